// What is told of a cluster: its objects as a picture become events, and only those that differ from what was told last.
import { EXCLUDE_LABEL, intentOfVip } from '../cluster/intent/intent.ts';
import type { ClusterNode, Endpoint } from '../cluster/intent/objects.ts';
import { selects } from '../cluster/intent/selectors.ts';
import { metallbStatusOf } from '../cluster/intent/status.ts';
import type { Picture } from '../cluster/followed-lists.ts';
import type { ListName } from '../cluster/read-lists.ts';
import type { Deployment, SpeakerPod } from '../cluster/workloads.ts';
import type { ServiceRef, Vip } from '../core/environment.ts';
import { ClusterReader, type ClusterReading } from './cluster-reader.ts';
import { advertisementFacts, changedText, type Facts, peerFacts, poolFacts, saidText } from './metallb-words.ts';
import type { ClusterEvent } from './observer.ts';
import { aboutOf } from './standing.ts';

/** An event without when and by whom. */
type Told = Without<ClusterEvent, 't' | 'from' | 'observer'>;
type Without<Event, Keys extends PropertyKey> = Event extends unknown
  ? { [Key in keyof Event as Key extends Keys ? never : Key]: Event[Key] } // `Omit` would lose the known keys of a loose object
  : never;
type ServedVip = Vip & { service: ServiceRef };

export class ClusterStory {
  readonly #vips: readonly ServedVip[];
  /** By what it is about, what was told last. */
  readonly #told = new Map<string, string>();
  /** MetalLB's objects as they were told last. */
  readonly #configuration = new Map<string, ConfigurationObject>();
  #nodeNames: ReadonlySet<string> = new Set();
  #speakers = new Map<string, { node: string; pod: string }>();
  #deployments = new Map<string, { vip: string; deployment: string }>();
  readonly #reader: ClusterReader;

  constructor(vips: readonly Vip[]) {
    this.#vips = vips.flatMap((vip) => (vip.service === null ? [] : [{ ...vip, service: vip.service }]));
    this.#reader = new ClusterReader(this.#vips.map(({ service }) => service));
  }

  /**
   * @param isAnew everything that stands, changed or not; else what differs from what was told
   * @throws AppError DEVICE_OUTPUT for an object that cannot be read; nothing is told then
   */
  tell(picture: Picture<ListName>, isAnew: boolean): Told[] {
    const objects = this.#reader.read(picture);
    const told = [
      ...this.#nodes(objects.nodes),
      ...this.#vips.flatMap((vip) => this.#ofVip(vip, objects)),
      ...this.#speakersOf(objects.speakers),
    ];
    const news = told.filter((event) => {
      const key = `${event.type} ${aboutOf(event)}`;
      const text = JSON.stringify(event);
      const isNews = isAnew || this.#told.get(key) !== text;
      if ('exists' in event && !event.exists && event.type !== 'cluster.service') this.#told.delete(key);
      else this.#told.set(key, text);
      return isNews;
    });
    return [...this.#configurationNews(objects, isAnew), ...news];
  }

  #nodes(nodes: readonly ClusterNode[]): Told[] {
    const names = new Set(nodes.map(({ name }) => name));
    const gone = [...this.#nodeNames].filter((name) => !names.has(name));
    this.#nodeNames = names;
    return [
      ...nodes.map(({ name, ready, unschedulable, labels, networkUnavailable }): Told => {
        const excluded = Object.hasOwn(labels, EXCLUDE_LABEL);
        return { type: 'cluster.node', node: name, exists: true, ready, unschedulable, excluded, networkUnavailable };
      }),
      ...gone.map((node): Told => {
        const none = { ready: 'Unknown', unschedulable: false, excluded: false, networkUnavailable: false };
        return { type: 'cluster.node', node, exists: false, ...none };
      }),
    ];
  }

  #ofVip(vip: ServedVip, objects: ClusterReading): Told[] {
    const { name, service: ref } = vip;
    const about = { vip: name, service: refText(ref) };
    const service = objects.services.find((each) => refText(each) === about.service);
    const isBalancer = service?.type === 'LoadBalancer';
    const endpoints = objects.endpointSlices
      .filter((slice) => slice.namespace === ref.namespace && slice.service === ref.name)
      .flatMap((slice) => slice.endpoints.map(endpointOf));
    return [
      {
        type: 'cluster.service',
        ...about,
        exists: service !== undefined,
        policy: isBalancer ? service.policy : null,
        affinity: isBalancer ? service.affinity : null,
        addresses: service?.addresses ?? [],
      },
      { type: 'cluster.endpoints', ...about, endpoints: endpoints.toSorted((a, b) => (a.pod < b.pod ? -1 : 1)) },
      ...this.#deploymentsOf(name, ref, service?.selector ?? {}, objects.deployments),
      {
        type: 'cluster.intent',
        vip: name,
        nodes: intentOfVip(objects, { service: ref, address: vip.address }).map(({ node, advertises, reason, peers }) => ({
          node,
          advertises,
          reason,
          peers,
        })),
      },
      { type: 'cluster.metallb-status', vip: name, nodes: metallbStatusOf(objects, objects, ref) },
    ];
  }

  #deploymentsOf(vip: string, { namespace }: ServiceRef, selector: Record<string, string>, deployments: readonly Deployment[]): Told[] {
    const isBehind = (labels: Readonly<Record<string, string>>) =>
      Object.keys(selector).length > 0 && selects({ matchLabels: selector }, labels);
    const behind = deployments.filter((each) => each.namespace === namespace && isBehind(each.podLabels));
    const names = new Set(behind.map(refText));
    const gone = [...this.#deployments.values()].filter((each) => each.vip === vip && !names.has(each.deployment));
    for (const { deployment } of gone) this.#deployments.delete(`${vip} ${deployment}`);
    for (const deployment of names) this.#deployments.set(`${vip} ${deployment}`, { vip, deployment });
    return [
      ...behind.map((each): Told => {
        const { generation, observedGeneration, replicas, updated, ready, available } = each;
        const counts = { generation, observedGeneration, replicas, updated, ready, available };
        return { type: 'cluster.deployment', vip, deployment: refText(each), exists: true, ...counts };
      }),
      ...gone.map((each): Told => {
        const counts = { generation: 0, observedGeneration: 0, replicas: 0, updated: 0, ready: 0, available: 0 };
        return { type: 'cluster.deployment', ...each, exists: false, ...counts };
      }),
    ];
  }

  #speakersOf(pods: readonly SpeakerPod[]): Told[] {
    const before = this.#speakers;
    this.#speakers = new Map(pods.map((pod) => [refText(pod), { node: pod.node, pod: refText(pod) }]));
    return [
      ...pods.map((each): Told => {
        const { node, ready, terminating } = each;
        return { type: 'cluster.speaker', node, pod: refText(each), exists: true, ready, terminating };
      }),
      ...[...before.values()]
        .filter(({ pod }) => !this.#speakers.has(pod))
        .map((each): Told => ({ type: 'cluster.speaker', ...each, exists: false, ready: false, terminating: false })),
    ];
  }

  #configurationNews(objects: ClusterReading, isAnew: boolean): Told[] {
    const { nodes } = objects;
    const now = new Map<string, ConfigurationObject>([
      ...objects.peers.map((one) => configured('BGPPeer', one.name, (seen) => peerFacts(one, seen))),
      ...objects.advertisements.map((one) => configured('BGPAdvertisement', one.name, (seen) => advertisementFacts(one, seen))),
      ...objects.pools.map((one) => configured('IPAddressPool', one.name, () => poolFacts(one))),
    ]);
    const news: Told[] = [];
    for (const [key, { kind, object, factsWith }] of now) {
      // Both with the nodes as they are now: what a node's labels changed is no change of this object.
      const before = this.#configuration.get(key)?.factsWith(nodes);
      const change = before === undefined ? null : changedText(before, factsWith(nodes));
      if (change !== null) news.push({ type: 'cluster.metallb', kind, object, change: 'changed', what: change });
      else if (before === undefined || isAnew) {
        const isNew = before === undefined && !isAnew;
        const what = `${isNew ? 'is new: ' : ''}${saidText(factsWith(nodes))}`;
        news.push({ type: 'cluster.metallb', kind, object, change: isNew ? 'changed' : 'seen', what });
      }
    }
    for (const [key, { kind, object }] of this.#configuration) {
      if (!now.has(key)) news.push({ type: 'cluster.metallb', kind, object, change: 'gone', what: 'is gone' });
    }
    this.#configuration.clear();
    for (const [key, one] of now) this.#configuration.set(key, one);
    return news;
  }
}

type ConfigurationObject = { kind: string; object: string; factsWith: (nodes: readonly ClusterNode[]) => Facts };

function configured(kind: string, object: string, factsWith: ConfigurationObject['factsWith']): [string, ConfigurationObject] {
  return [`${kind} ${object}`, { kind, object, factsWith }];
}

function endpointOf({ pod, addresses, node, ready, serving, terminating }: Endpoint) {
  // What a slice does not say is ready, and serves as long as it is.
  const isReady = ready !== false;
  return { pod: pod ?? addresses.join(' '), node, ready: isReady, serving: serving ?? isReady, terminating };
}

function refText({ namespace, name }: { namespace: string; name: string }): string {
  return `${namespace}/${name}`;
}
