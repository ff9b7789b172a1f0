// A fault of the journal bound to the code and the devices that can act on it.
import { type AskingFirst, askingFirst, type Capabilities } from '../core/capabilities.ts';
import type { Environment, Node, Vip } from '../core/environment.ts';
import { AppError } from '../core/errors.ts';
import type { Aim, Fault } from './faults/fault.ts';

/** Everything acts need and nothing of when they may act. */
export type Surroundings = {
  environment: Environment;
  devices: Capabilities;
  faults: readonly Fault[];
};

/**
 * The fault's code and what it is aimed at.
 * @param named without a run: to be planned only
 * @throws AppError UNKNOWN_NAME for a kind, node or VIP that does not exist
 */
export function bindAct(
  named: { fault: string; kind: string; target: string; params: Record<string, unknown>; runId?: string },
  { environment, devices, faults }: Surroundings,
): { fault: Fault; aim: Aim } {
  const fault = faults.find((candidate) => candidate.kind === named.kind);
  if (!fault) {
    throw new AppError('UNKNOWN_NAME', `there is no fault "${named.kind}"`, {
      remedy: `choose one of ${faults.map(({ kind }) => kind).join(', ')}`,
    });
  }
  const target = targetOf(fault, named.target, environment);
  return { fault, aim: { environment, target, params: named.params, devices, mark: `${named.runId ?? 'no-run'}/${named.fault}` } };
}

function targetOf({ aimedAt }: Fault, name: string, environment: Environment): Node | Vip {
  const [known, what] = aimedAt === 'node' ? [environment.nodes, 'node'] : [environment.vips, 'VIP'];
  const target = (known as readonly (Node | Vip)[]).find((each) => each.name === name);
  if (target) return target;
  throw new AppError('UNKNOWN_NAME', `the environment ${environment.name} has no ${what} "${name}"`, {
    remedy: `choose one of ${known.map((each) => each.name).join(', ')}`,
  });
}

/**
 * The same devices, each call of which asks `check` first and does nothing when that throws.
 * A process that was frozen and thawed goes on in the middle of its work: it must learn that its time is over before it sends anything.
 */
export function checkedDevices(devices: Capabilities, check: () => void): Capabilities {
  const checked = <Capability extends object>(capability: Capability | null): Capability | null => {
    if (capability === null) return null;
    const own = capability as Partial<AskingFirst<Capability>>;
    return askingFirst(own.askingFirst ? own.askingFirst(check) : capability, check);
  };
  return {
    router: checked(devices.router),
    sessions: checked(devices.sessions),
    advertise: checked(devices.advertise),
    serve: checked(devices.serve),
    links: checked(devices.links),
    cluster: checked(devices.cluster),
  };
}
