// Waiting for something to become true, by asking again.
import { setTimeout as sleep } from 'node:timers/promises';

/** Repeats `attempt` until it no longer throws; after `timeoutMs` its last error is the test's. */
export async function eventually<Result>(attempt: () => Result | Promise<Result>, timeoutMs = 30_000): Promise<Result> {
  const deadline = performance.now() + timeoutMs;
  for (;;) {
    try {
      return await attempt();
    } catch (error) {
      if (performance.now() > deadline) throw error;
      await sleep(20);
    }
  }
}
