// What follows the end of a pod's process, and after how long it is started again: pure.
import type { PodPlan } from './pod.ts';

/** A kubelet's own start at 10 s and end at 300 s; KEP-4603 gives these, and a lab's user is as impatient. */
const FIRST_DELAY_MS = 1_000;
const LONGEST_DELAY_MS = 60_000;
/** Whoever ran that long has earned a fresh start. */
const FORGIVEN_AFTER_MS = 600_000;

export type AfterExit = { kind: 'restart'; delayMs: number; crashes: number } | { kind: 'over' };

/**
 * @param crashes restarts in a row that counted so far; to be handed back as the answer says
 * @param exit `code` null when nobody saw it end
 */
export function afterExit(policy: PodPlan['restartPolicy'], exit: { code: number | null; ranMs: number }, crashes: number): AfterExit {
  if (policy === 'Never' || (policy === 'OnFailure' && exit.code === 0)) return { kind: 'over' };
  const before = exit.ranMs >= FORGIVEN_AFTER_MS ? 0 : crashes;
  // The first restart is at once, as a kubelet's is: the delay stands between a restart and the next.
  const delayMs = before === 0 ? 0 : Math.min(LONGEST_DELAY_MS, FIRST_DELAY_MS * 2 ** Math.min(before - 1, 30));
  return { kind: 'restart', delayMs, crashes: before + 1 };
}
