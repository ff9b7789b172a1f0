// Waiting until the lab's control plane has said all it has to say: every VIP over every node, in the router's kernel.
import { setTimeout as sleep } from 'node:timers/promises';
import { AppError } from '../core/errors.ts';
import type { LabPlan } from './address-plan.ts';
import { kindOf } from './kind-of.ts';

const ASK_EVERY_MS = 50;

/**
 * Returns when the router has all routes and every responder is known to every node.
 * @param failure tells why the lab can never get there, or null while it may
 * @throws AppError LAB_UNSOUND with what is missing after the patience of its kind, or what `failure` says
 */
export async function untilConverged(plan: LabPlan, failure: () => string | null, signal: AbortSignal): Promise<void> {
  const kind = kindOf(plan);
  const deadline = performance.now() + kind.patienceMs;
  await using watch = kind.openConvergence(plan);
  for (;;) {
    const missing = await watch.whatIsMissing(signal);
    if (missing === null) return;
    const hopeless = failure();
    if (hopeless !== null || performance.now() > deadline) {
      throw new AppError('LAB_UNSOUND', `the lab ${plan.prefix} did not come up: ${hopeless ?? missing}`, {
        remedy: 'holdfast doctor tells what this machine lacks; on a very busy machine, try again',
      });
    }
    await sleep(ASK_EVERY_MS, undefined, { signal });
  }
}
