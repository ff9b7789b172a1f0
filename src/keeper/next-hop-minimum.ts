// How many next hops a fault must leave: the rule that no plan may take a VIP down.
import type { Environment, Node } from '../core/environment.ts';

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
