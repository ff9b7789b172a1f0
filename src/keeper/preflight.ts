// Would the keeper carry out a fault? What it would touch, what would remain, and every reason to refuse.
import { z } from 'zod';
import { hostPrefix } from '../core/addresses.ts';
import type { Node } from '../core/environment.ts';
import { AppError, messageOf } from '../core/errors.ts';
import type { KeeperFile, PlannedFault, PlanStep } from '../core/keeper-messages.ts';
import { bindAct, type Surroundings } from './act.ts';
import { isOpen, isOver, type KeeperState } from './fault-state.ts';
import type { Aim, Forecast } from './faults/fault.ts';
import { hopsLeftOf, hopsLeftWithout, minimumNextHops } from './next-hop-minimum.ts';

/** Next hops of each VIP, by its name; null: no router can be asked. */
export type HopsByVip = ReadonlyMap<string, readonly string[]> | null;

/** What the router has installed for every VIP. */
export async function readHops({ environment, devices }: Surroundings, signal: AbortSignal): Promise<HopsByVip> {
  const { router } = devices;
  if (!router) return null;
  const hops = new Map<string, readonly string[]>();
  for (const vip of environment.vips) hops.set(vip.name, await router.nextHops(hostPrefix(vip.address), signal));
  return hops;
}

export type PreflightFacts = {
  file: KeeperFile;
  state: KeeperState;
  hops: HopsByVip;
  /** Most next hops that each VIP was seen with since the run took the environment. */
  baseline: ReadonlyMap<string, number>;
  forecast: Forecast;
};

/** What the devices say of a fault before it; what stands in the way of asking them is a refusal too. */
export async function forecastOf(planned: PlannedFault, surroundings: Surroundings, signal: AbortSignal): Promise<Forecast> {
  try {
    const { fault, aim } = bindAct({ ...planned, params: {} }, surroundings);
    const params = z.strictObject(fault.params).safeParse(planned.params);
    const canAsk = params.success && fault.needs.every((name) => surroundings.devices[name] !== null);
    return (canAsk ? await fault.forecast?.({ ...aim, params: params.data }, signal) : undefined) ?? { refusals: [] };
  } catch (error) {
    // A name that does not exist, `planStep` tells as well.
    return { refusals: error instanceof AppError && error.code === 'UNKNOWN_NAME' ? [] : [messageOf(error)] };
  }
}

/** Judges one fault by itself. Pure: everything read from devices is in `facts`. */
export function planStep(planned: PlannedFault, surroundings: Surroundings, facts: PreflightFacts): PlanStep {
  const step: PlanStep = { fault: planned.fault, touches: [], remains: [], refusals: [] };
  const { allow, armed } = facts.file;
  step.refusals.push(...facts.forecast.refusals);
  if (!armed) step.refusals.push('the keeper is disarmed (armed: true in its file arms it)');
  if (!allow.faults.includes(planned.kind))
    step.refusals.push(`the keeper's file does not allow the fault ${JSON.stringify(planned.kind)}`);
  try {
    const { fault, aim } = bindAct({ ...planned, params: {} }, surroundings);
    const [allowed, what] = fault.aimedAt === 'node' ? [allow.nodes, 'node'] : [allow.vips, 'VIP'];
    if (!allowed.includes(planned.target))
      step.refusals.push(`the keeper's file does not allow the ${what} ${JSON.stringify(planned.target)}`);
    const params = z.strictObject(fault.params).parse(planned.params);
    const missing = fault.needs.filter((name) => surroundings.devices[name] === null);
    if (missing.length > 0) step.refusals.push(`this environment does not offer what ${fault.kind} needs: ${missing.join(', ')}`);
    step.touches = fault.touches({ ...aim, params });
    if (fault.aimedAt === 'node') judgeHops(aim as Aim<Node>, facts, step);
    judgePods(aim, facts, step);
  } catch (error) {
    step.refusals.push(error instanceof z.ZodError ? `its parameters: ${z.prettifyError(error)}` : messageOf(error));
  }
  return step;
}

function judgeHops({ target, environment }: Aim<Node>, facts: PreflightFacts, step: PlanStep): void {
  const { hops } = facts;
  if (hops === null) {
    judgeUnseen(facts, step);
    return;
  }
  for (const [vip, set] of hops) {
    const left = hopsLeftWithout(target, set, environment);
    if (left !== null) judgeLeft({ vip, left, now: set }, facts, step);
  }
}

function judgePods({ environment }: Aim, facts: PreflightFacts, step: PlanStep): void {
  const { hops, forecast } = facts;
  if (forecast.podsLeft === undefined) return;
  if (hops === null) {
    judgeUnseen(facts, step);
    return;
  }
  for (const [vip, pods] of forecast.podsLeft) {
    const now = hops.get(vip) ?? [];
    judgeLeft({ vip, left: hopsLeftOf(pods, now, environment), now }, facts, step);
  }
}

function judgeUnseen({ file }: PreflightFacts, step: PlanStep): void {
  if (file.minNextHops !== 0)
    step.refusals.push('no router tells how many next hops would be left (minNextHops: 0 allows it all the same)');
}

function judgeLeft(
  { vip, left, now }: { vip: string; left: number; now: readonly string[] },
  { baseline, file }: PreflightFacts,
  step: PlanStep,
): void {
  const of = Math.max(now.length, baseline.get(vip) ?? 0);
  const minimum = minimumNextHops(of, file.minNextHops);
  if (left < minimum)
    step.refusals.push(`${vip} would keep ${String(left)} of ${String(of)} next hops, and ${String(minimum)} must remain`);
  else step.remains.push(`${vip}: ${String(left)} of ${String(of)} next hops`);
}

/** What stands in the way of a fault right now: another one, or the quarantine of an earlier one at the same target. */
export function obstacleFor(target: string, state: KeeperState): AppError | null {
  const faults = [...state.faults.values()];
  const unverified = faults.find(({ phase }) => phase === 'unverified');
  if (unverified) return unverifiedError(unverified);
  const open = faults.find(isOpen);
  if (open) {
    return new AppError('KEEPER_REFUSED', `${open.kind} at ${open.target} is not over, and one target at a time is disturbed`, {
      remedy: 'let the faults of a timeline follow each other',
    });
  }
  const quarantined = faults.find((fault) => fault.target === target && !isOver(fault));
  if (!quarantined) return null;
  return new AppError(
    'KEEPER_REFUSED',
    `${target} is in quarantine after ${quarantined.kind}: its janitor still watches that it stays as it was`,
    {
      remedy: 'leave more time between two faults at the same node than the keeper file says in quarantineMs',
    },
  );
}

/** Why nothing new is done while a revert is not confirmed. */
export function unverifiedError({ kind, target, reason }: { kind: string; target: string; reason: string }): AppError {
  return new AppError('KEEPER_UNVERIFIED', `the revert of ${kind} at ${target} is not confirmed: ${reason}`, {
    remedy: 'look at the device; the keeper keeps trying, and holdfast keeper status tells when it succeeded',
  });
}
