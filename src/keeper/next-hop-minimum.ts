// How many next hops a fault must leave: the rule that no plan may take a VIP down.
import type { Environment, Node } from '../core/environment.ts';
import type { PodsLeft } from './faults/fault.ts';

/** The fewest next hops that may be left of a baseline of `baseline`; `stated` is the keeper file's own number. */
export function minimumNextHops(baseline: number, stated: number | undefined): number {
  return stated ?? Math.max(2, Math.ceil((2 * baseline) / 3));
}

/**
 * How many of `hops` stay when `target` leaves, at least; null when it is none of them.
 * A hop that no node of the environment owns may be the target's: then one is counted as lost.
 */
export function hopsLeftWithout(target: Node, hops: readonly string[], environment: Pick<Environment, 'nodes'>): number | null {
  const owned = hops.filter((hop) => target.addresses.includes(hop)).length;
  if (owned > 0) return hops.length - owned;
  const isKnown = (hop: string) => environment.nodes.some(({ addresses }) => addresses.includes(hop));
  return hops.every(isKnown) ? null : hops.length - 1;
}

/**
 * How many of `hops` stay where only nodes with a pod of their own are next hops, at least: the pods that may be away at once are those that
 * empty the most nodes. A node that does not advertise now is none that is left, nor is a hop that no node of the environment owns.
 */
export function hopsLeftOf({ byNode, awayAtOnce }: PodsLeft, hops: readonly string[], environment: Pick<Environment, 'nodes'>): number {
  const counts = environment.nodes
    .filter(({ addresses }) => addresses.some((address) => hops.includes(address)))
    .flatMap(({ name }) => byNode.get(name) ?? [])
    .sort((a, b) => a - b);
  let away = awayAtOnce;
  let emptied = 0;
  for (const count of counts) {
    if (count > away) break;
    away -= count;
    emptied += 1;
  }
  return counts.length - emptied;
}
