// What a cluster's observer takes out of the objects that it follows, each read once.
import { readBgpAdvertisement, readBgpPeer, readIpAddressPool } from '../cluster/intent/metallb-objects.ts';
import { readBgpSessionState, readConfigurationState, readServiceBgpStatus } from '../cluster/intent/metallb-status.ts';
import { readEndpointSlice, readNode, readService } from '../cluster/intent/objects.ts';
import type { Picture } from '../cluster/followed-lists.ts';
import type { KubeObject } from '../cluster/kube-client.ts';
import type { ListName } from '../cluster/read-lists.ts';
import { readDeployment, readPodSelector, readSpeakerPod } from '../cluster/workloads.ts';
import type { ServiceRef } from '../core/environment.ts';

export type ClusterReading = ReturnType<ClusterReader['read']>;

export class ClusterReader {
  readonly #services: readonly ServiceRef[];
  readonly #memory = new WeakMap<KubeObject, unknown>();

  /** @param services those behind the VIPs; others, and their endpoints, are left alone */
  constructor(services: readonly ServiceRef[]) {
    this.#services = services;
  }

  /** @throws AppError DEVICE_OUTPUT for an object that cannot be read */
  read(picture: Picture<ListName>) {
    const names = new Set(this.#services.map(({ namespace, name }) => `${namespace}/${name}`));
    const all = <Value>(name: ListName, read: (object: KubeObject) => Value, isOurs: (object: KubeObject) => boolean = () => true) =>
      // In an order of their own: another one is no news.
      picture[name]
        ?.filter(isOurs)
        .toSorted((a, b) => (objectText(a) < objectText(b) ? -1 : 1))
        .map((object) => this.#remember(object, read));
    return {
      services:
        all(
          'services',
          (object) => ({ ...readService(object), selector: readPodSelector(object) }),
          (object) => names.has(objectText(object)),
        ) ?? [],
      endpointSlices:
        all('endpointSlices', readEndpointSlice, ({ metadata }) =>
          names.has(`${metadata.namespace ?? ''}/${metadata.labels?.['kubernetes.io/service-name'] ?? ''}`),
        ) ?? [],
      deployments: all('deployments', readDeployment) ?? [],
      nodes: all('nodes', readNode) ?? [],
      speakers: all('metallbPods', readSpeakerPod)?.filter((pod) => pod !== null) ?? [],
      peers: all('peers', readBgpPeer) ?? [],
      advertisements: all('advertisements', readBgpAdvertisement) ?? [],
      pools: all('pools', readIpAddressPool) ?? [],
      serviceStatuses: all('serviceStatuses', readServiceBgpStatus)?.filter((status) => status !== null) ?? null,
      configurationStates: all('configurationStates', readConfigurationState) ?? null,
      sessionStates: all('sessionStates', readBgpSessionState) ?? null,
    };
  }

  /** An object of the API never changes: a new version of it is another one. */
  #remember<Value>(object: KubeObject, read: (object: KubeObject) => Value): Value {
    if (!this.#memory.has(object)) this.#memory.set(object, read(object));
    return this.#memory.get(object) as Value;
  }
}

function objectText({ metadata }: KubeObject): string {
  return `${metadata.namespace ?? ''}/${metadata.name}`;
}
