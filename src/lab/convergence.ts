// Waiting until the lab's control plane has said all it has to say: every VIP over every node, in the router's kernel.
import { setTimeout as sleep } from 'node:timers/promises';
import { familyOf, hostPrefix } from '../core/addresses.ts';
import { AppError } from '../core/errors.ts';
import { tryCommand } from '../io/command.ts';
import { parseNextHops, readNextHops } from '../io/kernel-routes.ts';
import type { LabPlan } from './address-plan.ts';
import { readStatus } from './controller/run-controller.ts';
import { MIRROR_TABLE } from './topology.ts';

const ASK_EVERY_MS = 50;
const PATIENCE_MS = 30_000;

/**
 * Returns when the router has all routes and every responder is known to every node.
 * @param failure tells why the lab can never get there, or null while it may
 * @throws AppError LAB_UNSOUND with what is missing after 30 s, or what `failure` says
 */
export async function untilConverged(plan: LabPlan, failure: () => string | null, signal: AbortSignal): Promise<void> {
  const deadline = performance.now() + PATIENCE_MS;
  for (;;) {
    const missing = await whatIsMissing(plan, signal);
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

async function whatIsMissing(plan: LabPlan, signal: AbortSignal): Promise<string | null> {
  const status = readStatus(plan.stateFolder);
  if (status?.complaint != null) return status.complaint;
  const silent = plan.nodes.filter(({ name }) => !status?.endpoints.includes(name));
  if (silent.length > 0) return `no responder yet on ${silent.map(({ name }) => name).join(', ')}`;
  for (const vip of plan.environment.vips) {
    const due = plan.nodes.flatMap(({ addresses }) => addresses.filter(({ family }) => family === vip.family));
    const hops = await hopsTo(plan, vip.address, signal);
    const absent = due.filter(({ address }) => !hops.includes(address));
    if (absent.length > 0) return `the router has no route to ${vip.name} by ${absent.map(({ address }) => address).join(', ')}`;
  }
  return null;
}

async function hopsTo(plan: LabPlan, vip: string, signal: AbortSignal): Promise<string[]> {
  const learned = await readNextHops(plan.router, hostPrefix(vip), signal);
  if (plan.file.lab.nextHopGroups === 'hash-threshold') return learned;
  const argv = ['ip', familyOf(vip) === 4 ? '-4' : '-6', '-j', 'route', 'show', 'table', String(MIRROR_TABLE), hostPrefix(vip)] as const;
  // It fails while there is no route at all: then the kernel has no such table.
  const { code, stdout } = await tryCommand(argv, { place: plan.router, signal });
  const mirrored = code === 0 ? parseNextHops(stdout) : [];
  return learned.filter((hop) => mirrored.includes(hop));
}
