// From the states that the cluster's observer told to what happened between them.
import type { EventOf, JournalEvent } from '../../core/journal.ts';
import { type Happening, type NodeChange, type PodHappening, podName, type ServiceHappening, type SpeakerHappening } from './happening.ts';
import { type Rollout, Rollouts } from './rollouts.ts';

export type ClusterEvent = EventOf<
  'cluster.endpoints' | 'cluster.service' | 'cluster.node' | 'cluster.deployment' | 'cluster.speaker' | 'cluster.metallb' | 'cluster.intent'
>;
const CLUSTER_TYPES: ReadonlySet<string> = new Set<ClusterEvent['type']>([
  ...(['cluster.endpoints', 'cluster.service', 'cluster.node', 'cluster.deployment'] as const),
  ...(['cluster.speaker', 'cluster.metallb', 'cluster.intent'] as const),
]);

export function isClusterEvent(event: JournalEvent): event is ClusterEvent {
  return CLUSTER_TYPES.has(event.type);
}

type Endpoint = EventOf<'cluster.endpoints'>['endpoints'][number];
/** What a change is dated by: when it was seen, and since when it may have been. */
type Dated = { t: number; sinceT: number };
/** A fault that drains a node, while it was in force. */
export type Drain = { node: string; fromT: number; untilT: number };

/** `kubectl drain` evicts as soon as it has cordoned, and asks again every 5 s where a disruption budget refuses. */
const EVICTED_WITHIN_MS = 10_000;

/**
 * Every change, in order of time. The first that is told of an object is how it stands, and no change.
 * @param events in order of time; `blindTs`: for each event the last instant before it at which its observer lost sight, or null
 */
export function happeningsOf(
  events: readonly ClusterEvent[],
  { blindTs, drains }: { blindTs: readonly (number | null)[]; drains: readonly Drain[] },
): Happening[] {
  const following = new Following(drains);
  events.forEach((event, index) => {
    following.take(event, blindTs[index] ?? null);
  });
  return following.happenings();
}

class Following {
  readonly #all: Happening[] = [];
  readonly #toldT = new Map<string, number>();
  readonly #endpoints = new Map<string, ReadonlyMap<string, Endpoint>>();
  readonly #ending = new Map<string, PodHappening>();
  readonly #services = new Map<string, EventOf<'cluster.service'>>();
  readonly #nodes = new Map<string, EventOf<'cluster.node'>>();
  readonly #speakers = new Map<string, EventOf<'cluster.speaker'>>();
  readonly #rollouts = new Rollouts();
  readonly #drains: readonly Drain[];

  constructor(drains: readonly Drain[]) {
    this.#drains = drains;
  }

  take(event: ClusterEvent, blindT: number | null): void {
    const dated = this.#date(event, blindT);
    switch (event.type) {
      case 'cluster.endpoints':
        this.#takeEndpoints(event, dated);
        break;
      case 'cluster.service':
        this.#takeService(event, dated);
        break;
      case 'cluster.node':
        this.#takeNode(event, dated);
        break;
      case 'cluster.speaker':
        this.#takeSpeaker(event, dated);
        break;
      case 'cluster.metallb': {
        const { kind, object, change, what } = event;
        if (change !== 'seen')
          this.#all.push({ ...about(dated), kind: 'metallb', objectKind: kind, object: podName(object), isGone: change === 'gone', what });
        break;
      }
      case 'cluster.deployment':
        this.#rollouts.take(event);
        break;
      case 'cluster.intent':
        break;
    }
  }

  happenings(): Happening[] {
    const all = this.#all.toSorted((a, b) => a.t - b.t);
    const steps = new Map<Rollout, number>();
    for (const happening of all) {
      if (happening.kind !== 'pod-ended') continue;
      const rollout = this.#rollouts.of(happening);
      if (!rollout) continue;
      const step = (steps.get(rollout) ?? 0) + 1;
      steps.set(rollout, step);
      happening.rollout = { deployment: rollout.deployment, step };
    }
    return all;
  }

  #date(event: ClusterEvent, blindT: number | null): Dated {
    const key = subjectOf(event);
    const toldT = this.#toldT.get(key);
    this.#toldT.set(key, event.t);
    const wasUnseen = blindT !== null && toldT !== undefined && blindT > toldT;
    return { t: event.t, sinceT: wasUnseen ? blindT : event.t };
  }

  #takeEndpoints({ vip, endpoints }: EventOf<'cluster.endpoints'>, dated: Dated): void {
    const before = this.#endpoints.get(vip);
    const now = new Map(endpoints.map((endpoint) => [endpoint.pod, endpoint]));
    this.#endpoints.set(vip, now);
    if (!before) return;
    const serving = { before: [...before.values()].filter(isServing), now: [...now.values()].filter(isServing) };
    for (const [pod, old] of before) {
      const key = `${vip} ${pod}`;
      const current = now.get(pod);
      const ending = this.#ending.get(key);
      // Serving to the end: the route goes when that ends, not when the end begins.
      if (ending) {
        if (isServing(old) && (!current || !isServing(current))) {
          ending.isOnlyOfNode = isOnly(old, serving.now);
          ending.isOnlyOfVip = serving.now.length === 0;
          ending.servedUntilT = dated.t;
        }
        if (!current) {
          ending.goneT = dated.t;
          this.#ending.delete(key);
        }
        continue;
      }
      const ends = !current || (current.terminating && !old.terminating);
      const failed = current !== undefined && !ends && isServing(old) && !isServing(current);
      if (!ends && !failed) continue;
      const losesIt = isServing(old) && (!current || !isServing(current));
      const happening = podHappening(ends ? 'pod-ended' : 'pod-unready', { vip, endpoint: old }, dated);
      happening.isOnlyOfNode = losesIt && isOnly(old, serving.now);
      happening.isOnlyOfVip = losesIt && serving.now.length === 0;
      if (losesIt || !isServing(old)) happening.servedUntilT = dated.t;
      if (!current) happening.goneT = dated.t;
      happening.isCordoned = old.node !== null && this.#nodes.get(old.node)?.unschedulable === true;
      happening.isDrain = happening.isCordoned && ends && this.#isDrained(old.node, dated.t);
      this.#all.push(happening);
      if (ends && current) this.#ending.set(key, happening);
    }
    for (const [pod, endpoint] of now) {
      const old = before.get(pod);
      if (!isServing(endpoint) || (old && isServing(old))) continue;
      const happening = podHappening('pod-ready', { vip, endpoint }, dated);
      happening.isOnlyOfNode = isOnly(endpoint, serving.before);
      happening.isOnlyOfVip = serving.before.length === 0;
      this.#all.push(happening);
    }
  }

  /** By a fault that drains it, or by somebody who cordoned it just before. */
  #isDrained(node: string | null, t: number): boolean {
    const cordonedT =
      this.#all.findLast((each) => each.kind === 'node' && each.node === node && each.change === 'cordoned')?.t ?? -Infinity;
    return t - cordonedT <= EVICTED_WITHIN_MS || this.#drains.some((drain) => drain.node === node && drain.fromT <= t && t <= drain.untilT);
  }

  #takeService(event: EventOf<'cluster.service'>, dated: Dated): void {
    const { vip } = event;
    const before = this.#services.get(vip);
    this.#services.set(vip, event);
    if (!before) return;
    const add = (change: ServiceHappening['change'], from: string | null = '', to: string | null = '') =>
      this.#all.push({ ...about(dated), kind: 'service', vip, change, from: from ?? 'none', to: to ?? 'none' });
    if (before.exists !== event.exists) add(event.exists ? 'appeared' : 'gone');
    else if (before.policy !== event.policy) add('policy', before.policy, event.policy);
    else if (before.affinity !== event.affinity) add('affinity', before.affinity, event.affinity);
  }

  #takeNode(event: EventOf<'cluster.node'>, dated: Dated): void {
    const { node } = event;
    const before = this.#nodes.get(node);
    this.#nodes.set(node, event);
    if (!before) return;
    const add = (change: NodeChange) => this.#all.push({ ...about(dated), kind: 'node', node, change });
    if (before.exists !== event.exists) {
      add(event.exists ? 'joined' : 'gone');
      return;
    }
    if (before.unschedulable !== event.unschedulable) add(event.unschedulable ? 'cordoned' : 'uncordoned');
    if (before.excluded !== event.excluded) add(event.excluded ? 'excluded' : 'included');
    if (before.networkUnavailable !== event.networkUnavailable) add(event.networkUnavailable ? 'network-unavailable' : 'network-available');
    const [wasReady, isReady] = [before.ready === 'True', event.ready === 'True'];
    if (wasReady !== isReady) add(isReady ? 'ready' : 'not-ready');
  }

  /** One speaker a node, as a DaemonSet has it: a new pod there takes the old one's place. */
  #takeSpeaker(event: EventOf<'cluster.speaker'>, dated: Dated): void {
    const { node, pod } = event;
    const before = this.#speakers.get(node);
    const isOld = before !== undefined && before.pod !== pod && !event.exists;
    if (isOld) return; // the last word on a pod whose successor is there
    this.#speakers.set(node, event);
    if (!before) return;
    const add = (change: SpeakerHappening['change']) =>
      this.#all.push({ ...about(dated), kind: 'speaker', node, pod: podName(pod), change });
    const wasReady = before.pod === pod && before.exists && before.ready && !before.terminating;
    if (!event.exists) {
      if (before.exists) add('gone');
    } else if (event.terminating) {
      if (!before.terminating || before.pod !== pod) add('ending');
    } else if (event.ready !== wasReady) add(event.ready ? 'ready' : 'not-ready');
  }
}

function about({ t, sinceT }: Dated) {
  return { t, sinceT, node: null, vip: null };
}

function podHappening(kind: PodHappening['kind'], of: { vip: string; endpoint: Endpoint }, dated: Dated): PodHappening {
  const { vip, endpoint } = of;
  const flags = {
    servedUntilT: Infinity,
    goneT: Infinity,
    isOnlyOfNode: false,
    isOnlyOfVip: false,
    isCordoned: false,
    isDrain: false,
    rollout: null,
  };
  return { ...about(dated), kind, vip, node: endpoint.node, pod: podName(endpoint.pod), ...flags };
}

/** As MetalLB counts: an endpoint that is terminating and still serves keeps the route (its `serving` condition). */
function isServing({ serving }: Endpoint): boolean {
  return serving;
}

function isOnly({ node, pod }: Endpoint, others: readonly Endpoint[]): boolean {
  return !others.some((other) => other.node === node && other.pod !== pod);
}

/** What the event tells of: a later one of the same subject takes its place. */
export function subjectOf(event: ClusterEvent): string {
  switch (event.type) {
    case 'cluster.endpoints':
    case 'cluster.service':
    case 'cluster.intent':
      return `${event.type} ${event.vip}`;
    case 'cluster.deployment':
      return `${event.type} ${event.vip} ${event.deployment}`;
    case 'cluster.node':
    case 'cluster.speaker':
      return `${event.type} ${event.node}`;
    case 'cluster.metallb':
      return `${event.type} ${event.kind} ${event.object}`;
  }
}
