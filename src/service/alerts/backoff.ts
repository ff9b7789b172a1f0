// How long a delivery waits for its next attempt, and when it is given up. Pure.

export type Backoff = {
  firstMs: number;
  longestMs: number;
  /** Sum of its waits after which a delivery is dead. */
  giveUpAfterMs: number;
};

export const BACKOFF: Backoff = { firstMs: 1_000, longestMs: 900_000, giveUpAfterMs: 24 * 3_600_000 };

/**
 * The wait after attempt number `attempts` (1, 2 …): twice as long each time, a half of it by chance, so that many that failed
 * together do not come back together; longer where the receiver asked for it. Null: it is given up.
 * @param random in [0, 1)
 */
export function waitMs(
  backoff: Backoff,
  { attempts, waitedMs, retryAfterMs }: { attempts: number; waitedMs: number; retryAfterMs: number | null },
  random: number,
): number | null {
  const leftMs = backoff.giveUpAfterMs - waitedMs;
  if (leftMs <= 0) return null;
  const fullMs = Math.min(backoff.longestMs, backoff.firstMs * 2 ** Math.min(attempts - 1, 40));
  const ownMs = fullMs / 2 + (fullMs / 2) * random;
  // The last wait is cut so that a last attempt is made when the time is up.
  return Math.ceil(Math.min(leftMs, Math.max(ownMs, retryAfterMs ?? 0)));
}
