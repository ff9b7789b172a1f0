// Whether new flows meet every path of a VIP alike, by what the environment says of its routers.
import type { RunFacts } from './run-facts.ts';

/**
 * Why new flows from a vantage need not meet every path alike, as a clause; null when they do.
 * Which routers a vantage's flows pass nobody knows: of several, all have to have the same paths.
 * @param isToldAlike whether all nodes are to tell the same routers; null: not known
 */
export function whyNotSpread(environment: RunFacts['environment'], routers: number, isToldAlike: boolean | null): string | null {
  if (isToldAlike === false) return 'not every node is to announce to the same routers';
  if (isToldAlike === null && routers > 1) return 'each of several routers has paths of its own';
  const ecmp = ecmpOf(environment);
  if (ecmp === null) return 'how the router spreads flows is not known';
  if (ecmp.hash !== 'l4') return 'the router spreads addresses, not flows';
  return ecmp.nextHopGroups === 'hash-threshold' ? null : 'a resilient group leaves its buckets where they were';
}

/** How the routers spread flows, wherever the environment says it; null where it does not. */
function ecmpOf({ ecmp, lab }: RunFacts['environment']): NonNullable<RunFacts['environment']['ecmp']> | null {
  if (ecmp) return ecmp;
  if (!lab?.topology) return null;
  const { hash, nextHopGroups } = lab.topology;
  return { hash, nextHopGroups: nextHopGroups === 'hash-threshold' ? nextHopGroups : 'resilient' };
}
