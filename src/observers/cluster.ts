// Follows the objects of a cluster that decide about flows: Services, endpoints, nodes, Deployments, speakers, and MetalLB's own.
import { followLists, type Lists } from '../cluster/followed-lists.ts';
import { RESOURCES } from '../cluster/kube-client.ts';
import type { Vip } from '../core/environment.ts';
import { messageOf } from '../core/errors.ts';
import type { ListName } from './cluster-reader.ts';
import { ClusterStory } from './cluster-story.ts';
import { CLUSTER, type Observer, observerOf } from './observer.ts';

const OBSERVER = 'cluster';

export const cluster: Observer = {
  name: OBSERVER,
  watches: ({ cluster: there }) => (there === null ? [] : [CLUSTER]),
  async open(world) {
    const { cluster: there, vips } = world;
    if (there === null) return new AsyncDisposableStack();
    const from = observerOf({ name: CLUSTER });
    const story = new ClusterStory(vips);
    let isBlind = false;
    const blind = (reason: string) => {
      if (!isBlind) world.emit({ type: 'observer.blind', t: world.t(), from, observer: OBSERVER, reason });
      isBlind = true;
    };
    const tell = (picture: Parameters<ClusterStory['tell']>[0], isAnew: boolean) => {
      const t = world.t();
      try {
        const news = story.tell(picture, isAnew || isBlind);
        isBlind = false;
        for (const event of news) world.emit({ ...event, t, from, observer: OBSERVER });
      } catch (error) {
        // An object that cannot be read: what it decides is not known until it can.
        blind(messageOf(error));
      }
    };
    return await followLists(there.client, listsOf(vips, there.metallbNamespace), {
      onWhole(picture) {
        tell(picture, true);
      },
      onChange(picture) {
        tell(picture, false);
      },
      onBlind: blind,
    });
  },
};

/** Of the namespaces that the VIPs' Services are in, and of MetalLB's: what else a cluster does is not listened to. */
function listsOf(vips: readonly Vip[], metallbNamespace: string): Lists<ListName> {
  const ofMetallb = [{ namespace: metallbNamespace }];
  const namespaces = [...new Set(vips.flatMap(({ service }) => service?.namespace ?? []))];
  const ofVips = namespaces.map((namespace) => ({ namespace }));
  return {
    services: { resource: RESOURCES.services, selections: ofVips },
    endpointSlices: { resource: RESOURCES.endpointSlices, selections: ofVips },
    deployments: { resource: RESOURCES.deployments, selections: ofVips },
    nodes: { resource: RESOURCES.nodes, selections: [{}] },
    metallbPods: { resource: RESOURCES.pods, selections: ofMetallb },
    peers: { resource: RESOURCES.bgpPeers, selections: ofMetallb },
    advertisements: { resource: RESOURCES.bgpAdvertisements, selections: ofMetallb },
    pools: { resource: RESOURCES.ipAddressPools, selections: ofMetallb },
    serviceStatuses: { resource: RESOURCES.serviceBgpStatuses, selections: [{}] },
    configurationStates: { resource: RESOURCES.configurationStates, selections: ofMetallb },
    sessionStates: { resource: RESOURCES.bgpSessionStates, selections: [{}] },
  };
}
