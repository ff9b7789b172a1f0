// Putting a target back: tried until its own configuration, read back, says so.
import { setTimeout as sleep } from 'node:timers/promises';
import type { Reading } from '../core/capabilities.ts';
import { AppError, messageOf } from '../core/errors.ts';
import { isPlaceGone } from '../io/place-gone.ts';
import { bindAct, type Surroundings } from './act.ts';
import type { FaultState } from './fault-state.ts';

export type RevertEnd =
  { type: 'fault.verified'; note?: string } | { type: 'fault.unverified'; reason: string } | { type: 'fault.gone'; reason: string };

/** How long reverts are tried before a fault is called unverified. */
export const REVERT_MS = 10_000;
/** One try may take this long: a device that hangs must not use up all of it. */
const TRY_MS = 4_000;
const PAUSE_MS = 250;

type Named = Pick<FaultState, 'fault' | 'kind' | 'target' | 'params' | 'preState' | 'runId'>;

/** Restores the pre-state of `fault` and reads it back, once at least; tries again for `limitMs`. Never throws, except when `signal` aborts. */
export async function revertFault(
  fault: Named,
  surroundings: Surroundings,
  { limitMs, signal }: { limitMs: number; signal: AbortSignal },
): Promise<RevertEnd> {
  const until = performance.now() + limitMs;
  // The first has its whole time: a device that is slow, and tried once only, would never be put back.
  for (let tryMs = TRY_MS; ; tryMs = Math.min(TRY_MS, Math.ceil(Math.max(1_000, until - performance.now())))) {
    const end = await tryRevert(fault, surroundings, AbortSignal.any([signal, AbortSignal.timeout(tryMs)]));
    signal.throwIfAborted();
    if (end.type !== 'fault.unverified' || performance.now() + PAUSE_MS > until) return end;
    await sleep(PAUSE_MS, undefined, { signal });
  }
}

async function tryRevert(named: Named, surroundings: Surroundings, signal: AbortSignal): Promise<RevertEnd> {
  try {
    const { fault, aim } = bindAct(named, surroundings);
    await fault.revert(aim, named.preState, signal);
    const reading = await fault.read(aim, named.preState, signal);
    if (reading.isRestored) return { type: 'fault.verified', ...(reading.foreign.length > 0 ? { note: reading.foreign.join('; ') } : {}) };
    const isAwaited = fault.passes !== undefined && !(reading.hasPassed ?? false);
    const reason = isAwaited
      ? `it was not seen yet that ${fault.passes}`
      : 'the device took the commands, and its configuration still is not as it was before';
    return { type: 'fault.unverified', reason };
  } catch (error) {
    if (isGone(error, named, surroundings)) return { type: 'fault.gone', reason: messageOf(error) };
    return { type: 'fault.unverified', reason: messageOf(error) };
  }
}

/** What the device says about `fault` now; `gone` when there is no target any more. @throws whatever the device failed with */
export async function readFault(named: Named, surroundings: Surroundings, signal: AbortSignal): Promise<Reading | 'gone'> {
  const { fault, aim } = bindAct(named, surroundings);
  try {
    return await fault.read(aim, named.preState, AbortSignal.any([signal, AbortSignal.timeout(TRY_MS)]));
  } catch (error) {
    if (isGone(error, named, surroundings)) return 'gone';
    throw error;
  }
}

/** A driver may say so; a node whose namespace is away is gone, whatever the driver said, and so is a VIP whose nodes all are. */
function isGone(error: unknown, { target }: Named, { environment }: Surroundings): boolean {
  if (error instanceof AppError && error.code === 'TARGET_GONE') return true;
  const node = environment.nodes.find(({ name }) => name === target);
  if (node !== undefined) return isPlaceGone(node);
  return environment.nodes.length > 0 && environment.nodes.every(isPlaceGone);
}
