// What one answer tells of a flow's path: who answered, by which node it came in, which source was seen.
import { canonicalAddress } from '../core/addresses.ts';
import type { Assignment, Population } from '../core/control.ts';
import { ingressOf } from '../core/ingress.ts';
import type { ResponderIdentity } from './identity-cache.ts';

export type Sighting = { ingress: string | null; backend: string; backendNode: string; boot: string; observedSource: string };

/** Path of exchanges whose ingress nothing tells. */
export const UNKNOWN_PATH = 'unknown';

export type Seen = {
  identity: ResponderIdentity;
  sourceAddress: string;
  observedSource: string;
  policy: Population['vip']['policy'];
  nodes: Assignment['nodes'];
};

/** The journal's words for it. */
export function sighting({ identity, sourceAddress, observedSource, policy, nodes }: Seen): Sighting {
  const observed = canonicalAddress(observedSource) ?? observedSource;
  return {
    ingress: ingressOf({ policy, sourceAddress, observedSource: observed, backendNode: identity.node, nodes }),
    backend: identity.backend,
    backendNode: identity.node,
    boot: identity.boot,
    observedSource: observed,
  };
}

export function isSameSighting(a: Sighting, b: Sighting): boolean {
  return a.ingress === b.ingress && a.backend === b.backend && a.boot === b.boot && a.observedSource === b.observedSource;
}
