// Resilient ECMP: mirrors the router's BGP next hops into kernel groups of type resilient, which FRR itself cannot install.
import { setTimeout as sleep } from 'node:timers/promises';
import { hostPrefix } from '../../core/addresses.ts';
import type { Vip } from '../../core/environment.ts';
import { runCommand, spawnIn } from '../../io/command.ts';
import { readNextHops } from '../../io/kernel-routes.ts';
import { type LabPlan, NODES_BRIDGE } from '../address-plan.ts';
import { MIRROR_TABLE } from '../topology.ts';

/** Ids of our own next hops and groups: zebra counts its own from 1. */
const FIRST_HOP_ID = 100_000;
const FIRST_GROUP_ID = 200_000;
const LOOK_AT_LEAST_EVERY_MS = 500;
/** zebra replaces an IPv6 route by deleting and adding it: for that long a missing route may be one that is being replaced. */
const REPLACED_WITHIN_MS = 100;

export type ResilientGroup = { buckets: number; idleTimer: number };

/** Mirrors until `signal` aborts. Changes follow BGP's by some tens of milliseconds. */
async function mirrorNextHops(plan: LabPlan, group: ResilientGroup, signal: AbortSignal): Promise<void> {
  const mirrored = new Map<string, string[]>();
  // Ends its child also when a look below fails, since the caller then begins again.
  const listening = new AbortController();
  const bell = ringOnRouteChange(plan, AbortSignal.any([signal, listening.signal]));
  try {
    while (!signal.aborted) {
      for (const [index, vip] of plan.environment.vips.entries()) {
        const before = mirrored.get(vip.name) ?? [];
        let hops = await readNextHops(plan.router, hostPrefix(vip.address), signal);
        if (hops.length === 0 && before.length > 0) {
          // A group that is deleted forgets which buckets are in use, and its successor moves flows that should have stayed.
          await sleep(REPLACED_WITHIN_MS, undefined, { signal });
          hops = await readNextHops(plan.router, hostPrefix(vip.address), signal);
        }
        if (hops.join() === before.join()) continue;
        const input = mirrorBatch(plan, { vip, index, hops, before, group });
        await runCommand(['ip', '-n', plan.router.netns, '-batch', '-'], { input, signal });
        mirrored.set(vip.name, hops);
      }
      await bell(signal);
    }
  } finally {
    listening.abort();
  }
}

/** The same, begun again whenever it fails; what failed is told to `complain`. */
export async function keepMirroring(
  plan: LabPlan,
  group: ResilientGroup,
  options: { complain: (error: unknown) => void; signal: AbortSignal },
): Promise<void> {
  const { complain, signal } = options;
  while (!signal.aborted) {
    await mirrorNextHops(plan, group, signal).catch(complain);
    await sleep(1_000, undefined, { signal }).catch(() => undefined);
  }
}

/** The `ip -batch` input that brings one VIP's group from `before` to `hops`. Pure. */
export function mirrorBatch(
  plan: LabPlan,
  change: { vip: Pick<Vip, 'address'>; index: number; hops: readonly string[]; before: readonly string[]; group: ResilientGroup },
): string {
  const { vip, index, hops, before, group } = change;
  const groupId = String(FIRST_GROUP_ID + index);
  // Removing the group removes its route.
  if (hops.length === 0) return `nexthop del id ${groupId}\n`;
  const hopId = (address: string) => {
    const place = plan.nodes.flatMap(({ addresses }) => addresses.map((each) => each.address)).indexOf(address);
    if (place < 0) throw new Error(`the router has a next hop that is no node: ${address}`);
    return String(FIRST_HOP_ID + place);
  };
  const { buckets, idleTimer } = group;
  return [
    ...hops.map((address) => `nexthop replace id ${hopId(address)} via ${address} dev ${NODES_BRIDGE}`),
    `nexthop replace id ${groupId} group ${hops.map(hopId).join('/')} type resilient buckets ${String(buckets)} idle_timer ${String(idleTimer / 1000)}`,
    ...(before.length === 0 ? [`route replace ${hostPrefix(vip.address)} nhid ${groupId} table ${String(MIRROR_TABLE)}`] : []),
    '',
  ].join('\n');
}

/** Waits for the kernel to touch a route or next-hop group of the router, or for a while. */
function ringOnRouteChange(plan: LabPlan, signal: AbortSignal): (signal: AbortSignal) => Promise<void> {
  let ring: () => void = () => undefined;
  let hasRung = true;
  // No group is told as a route: zebra replaces the group under a route that stays as it is.
  const child = spawnIn(plan.router, ['ip', '-o', 'monitor', 'route', 'nexthop'], { stdio: ['ignore', 'pipe', 'ignore'], signal });
  child.on('error', () => undefined); // then the looks at least now and then must do
  child.stdout?.on('data', () => {
    hasRung = true;
    ring();
  });
  return async (waitSignal) => {
    if (!hasRung) {
      const rung = new AbortController();
      ring = () => {
        rung.abort();
      };
      await sleep(LOOK_AT_LEAST_EVERY_MS, undefined, { signal: AbortSignal.any([waitSignal, rung.signal]) }).catch(() => undefined);
    }
    hasRung = false;
  };
}
