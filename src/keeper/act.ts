// A fault of the journal bound to the code and the devices that can act on it.
import type { Capabilities } from '../core/capabilities.ts';
import type { Environment } from '../core/environment.ts';
import { AppError } from '../core/errors.ts';
import type { Aim, Fault } from './faults/fault.ts';

/** Everything acts need and nothing of when they may act. */
export type Surroundings = {
  environment: Environment;
  devices: Capabilities;
  faults: readonly Fault[];
};

/** The fault's code and what it is aimed at. @throws AppError UNKNOWN_NAME for a kind or node that does not exist */
export function bindAct(
  named: { kind: string; target: string; params: Record<string, unknown> },
  { environment, devices, faults }: Surroundings,
): { fault: Fault; aim: Aim } {
  const fault = faults.find((candidate) => candidate.kind === named.kind);
  if (!fault) {
    throw new AppError('UNKNOWN_NAME', `there is no fault "${named.kind}"`, {
      remedy: `choose one of ${faults.map(({ kind }) => kind).join(', ')}`,
    });
  }
  const target = environment.nodes.find(({ name }) => name === named.target);
  if (!target) {
    throw new AppError('UNKNOWN_NAME', `the environment ${environment.name} has no node "${named.target}"`, {
      remedy: `choose one of ${environment.nodes.map(({ name }) => name).join(', ')}`,
    });
  }
  return { fault, aim: { environment, target, params: named.params, devices } };
}

/**
 * The same devices, each call of which asks `check` first and does nothing when that throws.
 * A process that was frozen and thawed goes on in the middle of its work: it must learn that its time is over before it sends anything.
 */
export function checkedDevices(devices: Capabilities, check: () => void): Capabilities {
  const checked = <Capability extends object>(capability: Capability | null): Capability | null =>
    capability &&
    new Proxy(capability, {
      get(target, key) {
        const value: unknown = Reflect.get(target, key);
        if (typeof value !== 'function') return value;
        return (...args: unknown[]): unknown => {
          check();
          return Reflect.apply(value, target, args);
        };
      },
    });
  return {
    router: checked(devices.router),
    sessions: checked(devices.sessions),
    advertise: checked(devices.advertise),
    serve: checked(devices.serve),
    links: checked(devices.links),
  };
}
