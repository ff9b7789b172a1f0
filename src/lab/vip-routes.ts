// Which nodes a lab's router sends each VIP's packets to, as its kernel has it.
import { familyOf, hostPrefix } from '../core/addresses.ts';
import { tryCommand } from '../io/command.ts';
import { parseNextHops, readNextHops } from '../io/kernel-routes.ts';
import type { LabPlan } from './address-plan.ts';
import { MIRROR_TABLE } from './topology.ts';

/** The first VIP that has no route by one of `nodes` (names), in words; null when every VIP is routed over all of them. */
export async function missingRoute(plan: LabPlan, nodes: readonly string[], signal: AbortSignal): Promise<string | null> {
  for (const vip of plan.environment.vips) {
    const due = plan.nodes
      .filter(({ name }) => nodes.includes(name))
      .flatMap(({ addresses }) => addresses.filter(({ family }) => family === vip.family));
    const hops = await hopsTo(plan, vip.address, signal);
    const absent = due.filter(({ address }) => !hops.includes(address));
    if (absent.length > 0) return `the router has no route to ${vip.name} by ${absent.map(({ address }) => address).join(', ')}`;
  }
  return null;
}

/** Names of the VIPs that the router reaches by each node, by the node's name. */
export async function vipsByNode(plan: LabPlan, signal: AbortSignal): Promise<Map<string, string[]>> {
  const routed = await Promise.all(
    plan.environment.vips.map(async ({ name, address }) => ({ name, hops: await readNextHops(plan.router, hostPrefix(address), signal) })),
  );
  return new Map(
    plan.nodes.map((node) => {
      const isReachedBy = (hops: readonly string[]) => node.addresses.some(({ address }) => hops.includes(address));
      return [node.name, routed.filter(({ hops }) => isReachedBy(hops)).map(({ name }) => name)];
    }),
  );
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
