// Whether this machine can carry an assignment; said before a flow is opened, not after half of them failed.
import type { Assignment } from '../core/control.ts';
import { AppError } from '../core/errors.ts';
import { PROTOCOL_NAMES } from './protocols/index.ts';
import { type PortRange, portRange } from './source-ports.ts';

export type Resources = {
  /** Files this process may have open. */
  openFiles: number;
  /** The kernel's range for sockets that do not choose a port. */
  ephemeralPorts: PortRange;
};

/** Files beside the flows: dials under way, the channel, what Node itself needs. */
const SPARE_FILES = 500;
/** Ports beside the flows' first ones: replacements and fresh dials must not come back to a port soon. */
const SPARE_PORTS = 2_000;

/** @throws AppError UNKNOWN_NAME, PREFLIGHT */
export function refuseIfTooLittle({ populations, vantage }: Assignment, { openFiles, ephemeralPorts }: Resources): void {
  const unknown = populations.find(({ protocol }) => !PROTOCOL_NAMES.includes(protocol));
  if (unknown) throw new AppError('UNKNOWN_NAME', `the prober at ${vantage} does not speak ${unknown.protocol}`);
  const flows = populations.reduce((sum, { count }) => sum + count, 0);
  if (flows + SPARE_FILES > openFiles) {
    throw new AppError('PREFLIGHT', `${String(flows)} flows need more open files than the ${String(openFiles)} this process may have`, {
      remedy: `raise the limit (ulimit -n ${String(flows + SPARE_FILES)}), or hold fewer flows at ${vantage}`,
    });
  }
  const { first, last } = portRange(ephemeralPorts);
  for (const name of PROTOCOL_NAMES) {
    const count = populations.filter(({ protocol }) => protocol === name).reduce((sum, population) => sum + population.count, 0);
    if (count + SPARE_PORTS <= last - first + 1) continue;
    throw new AppError(
      'PREFLIGHT',
      `${String(count)} ${name} flows need more source ports than there are from ${String(first)} to ${String(last)}`,
      {
        remedy: `hold fewer flows at ${vantage}, or spread them over more vantages`,
      },
    );
  }
}
