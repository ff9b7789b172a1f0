// What MetalLB says of itself, put together for one VIP and every node: the counterpart of its intent.
import type { ServiceRef } from '../../core/environment.ts';
import type { EventOf } from '../../core/journal.ts';
import { type ClusterObjects, peersOf } from './intent.ts';
import type { BgpPeer } from './metallb-objects.ts';
import type { BgpSessionState, ConfigurationState, ServiceBgpStatus } from './metallb-status.ts';

/** Null: this API server knows no such kind (an older MetalLB; a backend other than frr-k8s). */
export type StatusObjects = {
  serviceStatuses: readonly ServiceBgpStatus[] | null;
  configurationStates: readonly ConfigurationState[] | null;
  sessionStates: readonly BgpSessionState[] | null;
};
export type NodeStatus = EventOf<'cluster.metallb-status'>['nodes'][number];

/** One row a node, in the nodes' order. */
export function metallbStatusOf(
  { nodes, peers }: Pick<ClusterObjects, 'nodes' | 'peers'>,
  { serviceStatuses, configurationStates, sessionStates }: StatusObjects,
  service: ServiceRef,
): NodeStatus[] {
  return nodes.map((node): NodeStatus => {
    const told = serviceStatuses?.filter(
      (status) => status.node === node.name && status.service.namespace === service.namespace && status.service.name === service.name,
    );
    const speaker = configurationStates?.find((state) => state.component === 'speaker' && state.node === node.name);
    return {
      node: node.name,
      announcedTo: told ? [...new Set(told.flatMap((status) => status.peers))].sort() : null,
      configuration: speaker?.result ?? null,
      error: speaker?.error ?? null,
      sessions: peersOf(peers, node).map((peer) => ({
        peer: peer.name,
        address: peer.address,
        myAsn: peer.myAsn,
        peerAsn: peer.peerAsn === null ? (peer.dynamicAsn ?? 'unknown') : String(peer.peerAsn),
        state: sessionStates?.find((state) => state.node === node.name && isOf(state, peer))?.bgp ?? null,
      })),
    };
  });
}

/** frr-k8s names a session by the peer's address, or by the interface of one that has none. */
function isOf({ peer }: BgpSessionState, { address, interface: port }: BgpPeer): boolean {
  return peer === address || (address === null && peer === port);
}
