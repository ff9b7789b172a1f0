// The seam of faults: what a fault must tell and do. One file a fault, one line in index.ts.
//
//   preState ──> (the keeper fsyncs its intent) ──> inject ──> read: isInForce ──> … ──> revert ──> read: isRestored
//
// A fault acts through capabilities alone. Every act must be idempotent: keeper and janitor may both call `revert`, at once
// and again. `preState` must be JSON: a janitor that knows only the journal puts the target back with it.
import type { Capabilities, CapabilityName } from '../../core/capabilities.ts';
import type { Environment, Node } from '../../core/environment.ts';
import { AppError } from '../../core/errors.ts';
import type { FaultForm } from '../../core/scenario-file.ts';

/** What a fault is aimed at, and what it may use. `params` have passed the fault's own schema. */
export type Aim = {
  readonly environment: Environment;
  readonly target: Node;
  readonly params: Record<string, unknown>;
  readonly devices: Capabilities;
};

/** What the device's own configuration says now. Both hold when the pre-state was what the fault would make of it. */
export type Reading = {
  isInForce: boolean;
  isRestored: boolean;
  /** What somebody else changed meanwhile, as a person would say it; it is left as it is. */
  foreign: string[];
};

export type Fault = FaultForm & {
  /** Capabilities without which the fault is refused before the run. */
  readonly needs: readonly CapabilityName[];
  /** What will be touched, as a person would say it. Pure: a dry run has no devices. */
  touches(aim: Omit<Aim, 'devices'>): string[];
  /** What happened to the target, as a sentence about it begins: `n2 lost its BGP session`. */
  headline(aim: Omit<Aim, 'devices'>): string;
  /** Reads what `revert` must restore. @throws AppError when the target has nothing to inject into */
  preState(aim: Aim, signal: AbortSignal): Promise<unknown>;
  inject(aim: Aim, preState: unknown, signal: AbortSignal): Promise<void>;
  revert(aim: Aim, preState: unknown, signal: AbortSignal): Promise<void>;
  read(aim: Aim, preState: unknown, signal: AbortSignal): Promise<Reading>;
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
