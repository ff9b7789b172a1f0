// The seam of faults: what a fault must tell and do. One file a fault, one line in index.ts.
//
//   preState ──> (the keeper fsyncs its intent) ──> inject ──> read: isInForce ──> … ──> revert ──> read: isRestored
//
// A fault acts through capabilities alone. Every act must be idempotent: keeper and janitor may both call `revert`, at once
// and again. `preState` must be JSON: a janitor that knows only the journal puts the target back with it.
import type { Capabilities, CapabilityName, Reading } from '../../core/capabilities.ts';
import type { Environment, Node, Vip } from '../../core/environment.ts';
import { AppError } from '../../core/errors.ts';
import type { FaultForm, FaultMeans } from '../../core/scenario-file.ts';

/** What a fault is aimed at, and what it may use. `params` have passed the fault's own schema. */
export type Aim<Target extends Node | Vip = Node | Vip> = {
  readonly environment: Environment;
  readonly target: Target;
  readonly params: Record<string, unknown>;
  readonly devices: Capabilities;
  /** Run and fault, for marks where a device can carry one; the same for keeper and janitor. */
  readonly mark: string;
};

/** What only the devices can tell before a fault. */
export type Forecast = {
  /** Why it would fail, or do more than it says; empty: it would not. */
  refusals: string[];
  /** By name of each VIP whose next hops would be fewer, where that does not follow from the target alone. */
  podsLeft?: ReadonlyMap<string, PodsLeft>;
};

/** A VIP of which only nodes with a ready pod of its own are next hops. */
export type PodsLeft = {
  /** How many ready pods each node has. */
  byNode: ReadonlyMap<string, number>;
  /** How many of all of them may be away at once. */
  awayAtOnce: number;
};

/**
 * A fault of nodes, or of VIPs: `aimedAt` says which, and whoever binds one to its target (act.ts) keeps to that.
 * Methods on purpose: only they let a fault of nodes stand in a list of all faults.
 */
export type Fault<Target extends Node | Vip = Node | Vip> = FaultForm & {
  /** Capabilities without which the fault is refused before the run. */
  readonly needs: readonly CapabilityName[];
  /** How it can break flows; empty: not at all. A break is laid to it by nothing else. */
  readonly breaksBy: readonly FaultMeans[];
  /** What ends it by itself before its time, as a reason reads ("its speaker is back"): it is then over, and not lost. */
  readonly passes?: string;
  /** A control: nothing may come of it. */
  readonly isControl?: true;
  /** What will be touched, as a person would say it. Pure: a dry run has no devices. */
  touches(aim: Omit<Aim<Target>, 'devices' | 'mark'>): string[];
  /** What happened to the target, as a sentence about it begins: `n2 lost its BGP session`. */
  headline(aim: Omit<Aim<Target>, 'devices' | 'mark'>): string;
  /** Asks the devices for whatever stands in the way; changes nothing. */
  forecast?(aim: Omit<Aim<Target>, 'mark'>, signal: AbortSignal): Promise<Forecast>;
  /** Reads what `revert` must restore. @throws AppError when the target has nothing to inject into */
  preState(aim: Aim<Target>, signal: AbortSignal): Promise<unknown>;
  inject(aim: Aim<Target>, preState: unknown, signal: AbortSignal): Promise<void>;
  revert(aim: Aim<Target>, preState: unknown, signal: AbortSignal): Promise<void>;
  read(aim: Aim<Target>, preState: unknown, signal: AbortSignal): Promise<Reading>;
};

/** A capability that the fault declared in `needs`. @throws AppError CAPABILITY_MISSING */
export function need<Name extends CapabilityName>(devices: Capabilities, name: Name): NonNullable<Capabilities[Name]> {
  const capability = devices[name];
  if (capability === null) {
    throw new AppError('CAPABILITY_MISSING', `this environment offers no capability "${name}"`, {
      remedy: 'choose a fault that needs less, or an environment with a driver for it',
    });
  }
  return capability;
}
