// Waits that end early, and quietly, when a signal aborts: whoever waits looks at the signal next.
import { setTimeout as sleep } from 'node:timers/promises';

export async function pause(ms: number, signal: AbortSignal): Promise<void> {
  await sleep(ms, undefined, { signal }).catch(() => undefined);
}

/** Asked after a wait: the compiler does not know that waiting changes it. */
export function isAborted(signal: AbortSignal): boolean {
  return signal.aborted;
}
