// Which node did a flow come in by? Told by the answer itself, never by a guess.
import { isInPrefix } from './addresses.ts';
import type { Node, TrafficPolicy } from './environment.ts';

export type IngressEvidence = {
  policy: TrafficPolicy;
  /** Address the prober sent from. */
  sourceAddress: string;
  /** Source address the responder saw. */
  observedSource: string;
  /** Node of the responder that answered. */
  backendNode: string;
  nodes: readonly Pick<Node, 'name' | 'addresses' | 'podCidrs'>[];
};

/**
 * The ingress node, or null when the evidence does not tell.
 * A rewritten source names the node that rewrote it (kube-proxy masquerades with the ingress node's own address).
 * A preserved source under `local` means that ingress and backend are one node; under `cluster` it says nothing.
 */
export function ingressOf(evidence: IngressEvidence): string | null {
  const rewriter = nodeOfAddress(evidence.observedSource, evidence.nodes);
  if (rewriter !== null) return rewriter;
  return evidence.policy === 'local' && evidence.observedSource === evidence.sourceAddress ? evidence.backendNode : null;
}

/** The node that owns `address` itself or by its pod CIDR; null when none does. */
export function nodeOfAddress(address: string, nodes: IngressEvidence['nodes']): string | null {
  const owner =
    nodes.find((node) => node.addresses.includes(address)) ?? nodes.find((node) => node.podCidrs.some((cidr) => isInPrefix(address, cidr)));
  return owner?.name ?? null;
}
