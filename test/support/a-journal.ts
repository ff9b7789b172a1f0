// Journals built event by event: a run of three nodes around the events that a test is about.
import type { EventType, JournalEvent } from '../../src/core/journal.ts';
import type { Environment } from '../../src/core/environment.ts';
import type { Expectation } from '../../src/core/checks.ts';
import type { FaultMeans } from '../../src/core/scenario-file.ts';

export const VIP_ADDRESS = '10.77.200.1';
/** Of the VIP of that place. */
export function vipAddress(index: number): string {
  return `10.77.200.${String(index + 1)}`;
}
export const ADDRESS_OF: Record<string, string> = {
  n1: '10.77.0.11',
  n2: '10.77.0.12',
  n3: '10.77.0.13',
  n4: '10.77.0.14',
  n5: '10.77.0.15',
};

export type JournalOptions = {
  nodes?: readonly string[];
  vantages?: readonly string[];
  expect?: readonly Expectation[];
  minFlows?: number;
  policy?: 'local' | 'cluster';
  seed?: number;
  holdTimeMs?: number;
  intervalMs?: number;
  /** Names of the VIPs; default: `web` alone. */
  vips?: readonly string[];
  /** Flows of the scenario; default: `tcp-hold` and `udp-twin` on `web` from every vantage. */
  probes?: readonly string[];
  routers?: readonly string[];
  /** How the lab's router spreads flows; `unknown`: there is no lab. */
  spread?: 'even' | 'resilient' | 'unknown';
};

/** A journal under construction. Times are ms of the run; window 0 begins at 1,000. */
export class JournalDraft {
  readonly events: JournalEvent[] = [];
  readonly #seqs = new Map<string, number>();
  #flows = 0;

  constructor(options: JournalOptions = {}) {
    const { vantages = ['v1'], expect = [], minFlows = 100, seed = 7, intervalMs = 500, probes = ['tcp-hold', 'udp-twin'] } = options;
    const { vips = ['web'] } = options;
    const probe = (protocol: string) => ({ title: protocol, protocol, intervalMs, timeoutMs: intervalMs, stallAfterMs: 3 * intervalMs });
    this.add(0, 'run.started', {
      schema: 1,
      runId: 'r1',
      wallClockMs: 1_700_000_000_000,
      scenario: {
        name: 'test',
        title: 'A test',
        flows: vips.flatMap((vip) => probes.map((name) => ({ probe: name, vip, vantages: 'all', count: 1 }))),
        timeline: [],
        expect,
        minFlows,
      },
      environment: anEnvironment(options),
      probes: { 'tcp-hold': probe('tcp'), 'udp-twin': probe('udp') },
      seed,
      versions: { holdfast: '0' },
      planHash: '',
    });
    for (const vantage of vantages) {
      this.add(900, 'vantage.ready', { vantage, addresses: ['10.77.1.2'], clockErrMs: 0, opened: 0, failed: 0 }, `prober:${vantage}`);
    }
    this.add(1_000, 'phase.started', { phase: 'baseline' });
  }

  add(t: number, type: EventType | 'future.event', fields: object, from = 'runner'): this {
    const seq = this.#seqs.get(from) ?? 0;
    this.#seqs.set(from, seq + 1);
    this.events.push({ t, from, seq, type, ...fields } as JournalEvent);
    return this;
  }

  /** Opens a flow at 500 (or `openT`) on `ingress` and returns its id. */
  flow(fields: FlowFields = {}): string {
    const { vantage = 'v1', protocol = 'tcp', ingress = 'n1', openT = 500, sourcePort = 20_000 + this.#flows, ...rest } = fields;
    this.#flows += 1;
    const flow = `${vantage}/${String(this.#flows)}`;
    const opened = {
      flow,
      probe: protocol === 'udp' ? 'udp-twin' : 'tcp-hold',
      protocol,
      sourceAddress: '10.77.1.2',
      sourcePort,
      vip: 'web',
      port: 7000,
      ...identityOn(ingress),
      rttMs: 1,
      ...rest,
    };
    this.add(openT, 'flow.opened', opened, `prober:${vantage}`);
    return flow;
  }

  flows(count: number, fields: FlowFields = {}): string[] {
    return Array.from({ length: count }, () => this.flow(fields));
  }

  /** An event that the prober of `v1` wrote of a flow. */
  of(flow: string, t: number, type: EventType, fields: object = {}): this {
    return this.add(t, type, { flow, ...fields }, `prober:${flow.split('/')[0] ?? ''}`);
  }

  /** Broken at `onsetT`, known at once (or at `t`). */
  breaks(flow: string, onsetT: number, { t = onsetT, breakCause = 'reset', lastOkT = onsetT - 400 } = {}): this {
    return this.of(flow, t, 'flow.broken', { breakCause, onsetT, lastOkT, evidence: 'test' });
  }

  maps(flow: string, t: number, ingress: string | null, failure = 'refused'): this {
    const seen = ingress === null ? { ingress, backend: null, observedSource: null, failure } : identityOn(ingress);
    return this.of(flow, t, 'flow.mapped', { ...seen, attempt: 1, tookMs: 1 });
  }

  changes(flow: string, t: number, ingress: string): this {
    return this.of(flow, t, 'flow.changed', identityOn(ingress));
  }

  recovers(flow: string, t: number, ingress: string): this {
    return this.of(flow, t, 'flow.recovered', identityOn(ingress));
  }

  /** The router's set from `t` on; settled at once when `t` is early in the ramp. */
  set(t: number, nodes: readonly string[], { settled = t < 500, router = 'tor', address = VIP_ADDRESS } = {}): this {
    const nextHops = nodes.map((node) => ({ address: ADDRESS_OF[node] ?? node, node }));
    return this.add(t, 'next-hops', { observer: 'routes', router, prefix: `${address}/32`, nextHops, settled }, `observer:${router}`);
  }

  /** An event of the cluster's observer. */
  cluster(t: number, type: Extract<EventType, `cluster.${string}` | 'observer.blind'>, fields: object): this {
    return this.add(t, type, { observer: 'cluster', ...fields }, 'observer:cluster');
  }

  /** The endpoints of a VIP from `t` on, each `pod@node`; `-` before it: terminating and not serving, `~`: terminating and serving, `!`: not ready. */
  endpoints(t: number, pods: readonly string[], vip = 'web'): this {
    const endpoints = pods.map((text) => {
      const mark = /^[-~!]/.exec(text)?.[0] ?? '';
      const [pod = '', node = ''] = text.slice(mark.length).split('@');
      return {
        pod: `default/${pod}`,
        node,
        ready: mark === '',
        serving: mark === '' || mark === '~',
        terminating: mark === '-' || mark === '~',
      };
    });
    return this.cluster(t, 'cluster.endpoints', { vip, service: `default/${vip}`, endpoints });
  }

  /** The Deployment of a VIP; `updated` of `replicas` pods are of the newest generation. */
  deployment(t: number, { vip = 'web', name = '', generation = 1, replicas = 3, updated = 3, available = 3 } = {}): this {
    const counts = { generation, observedGeneration: generation, replicas, updated, ready: available, available };
    return this.cluster(t, 'cluster.deployment', { vip, deployment: `default/${name || vip}`, exists: true, ...counts });
  }

  /** A node of the cluster: Ready and unmarked but for what is said. */
  clusterNode(
    t: number,
    node: string,
    fields: { ready?: string; unschedulable?: boolean; excluded?: boolean; networkUnavailable?: boolean } = {},
  ): this {
    return this.cluster(t, 'cluster.node', {
      node,
      exists: true,
      ready: 'True',
      unschedulable: false,
      excluded: false,
      networkUnavailable: false,
      ...fields,
    });
  }

  /** A fault at n2 (or `target`) with its two edges; in force 50 ms after the first, read back 50 ms after the second. */
  fault(
    intentT: number,
    revertingT: number,
    { target = 'n2', id = 'f1', kind = 'bgp-session-down', headline, told = {} }: FaultWords = {},
  ): this {
    const fault = { fault: id, kind, target, epoch: 1 };
    this.add(950, 'fault.planned', { ...fault, forMs: revertingT - intentT, atMs: intentT - 1_000 });
    this.add(
      intentT,
      'fault.intent',
      { ...fault, forMs: revertingT - intentT, ...(headline !== undefined && { headline }), ...told },
      'keeper',
    );
    this.add(intentT + 50, 'fault.in-force', fault, 'keeper');
    this.add(revertingT, 'fault.reverting', { ...fault, reason: 'its time is up' }, 'keeper');
    return this.add(revertingT + 50, 'fault.verified', fault, 'keeper');
  }

  tally(bin: number, fields: TallyFields): this {
    const { vantage = 'v1', protocol = 'tcp', path = 'n1', ok = 0, late = 0, lost = 0, notSent = 0, invalid = 0, fresh = false } = fields;
    const scheduled = ok + late + lost + notSent + invalid;
    const counts = { scheduled, ok, late, lost, notSent, invalid };
    const t = (bin + 2) * 1_000;
    const tally = { vantage, vip: 'web', protocol, path, bin, ...counts, ...(fresh && { fresh }), rtt: ok > 0 ? { '233': ok } : {} };
    return this.add(t, 'tally', tally, `prober:${vantage}`);
  }

  /** Ends the timeline and the run. */
  end(t: number): JournalEvent[] {
    this.add(t, 'timeline.ended', {});
    this.add(t + 1_000, 'run.ended', { verdict: 'held' });
    return this.sorted();
  }

  sorted(): JournalEvent[] {
    return this.events.toSorted((a, b) => a.t - b.t || (a.from < b.from ? -1 : a.from > b.from ? 1 : a.seq - b.seq));
  }
}

type FlowFields = {
  vantage?: string;
  protocol?: string;
  ingress?: string | null;
  openT?: number;
  sourcePort?: number;
  observedSource?: string;
  replaces?: string;
  vip?: string;
  backend?: string;
  backendNode?: string;
};
type TallyFields = {
  vantage?: string;
  protocol?: string;
  path?: string;
  ok?: number;
  late?: number;
  lost?: number;
  notSent?: number;
  invalid?: number;
  fresh?: boolean;
};

export function aJournal(options: JournalOptions = {}): JournalDraft {
  return new JournalDraft(options);
}

function identityOn(ingress: string | null): object {
  const node = ingress ?? 'n1';
  return { ingress, backend: `web-${node}`, backendNode: node, boot: `boot-${node}`, observedSource: '10.77.1.2' };
}

function anEnvironment({
  nodes = ['n1', 'n2', 'n3'],
  vantages = ['v1'],
  policy = 'local',
  vips = ['web'],
  holdTimeMs = 9_000,
  routers = ['tor'],
  spread = 'even',
}: JournalOptions): Environment {
  const nextHopGroups = spread === 'even' ? 'hash-threshold' : { resilient: { buckets: 128, idleTimer: 120_000 } };
  const topology = { holdTime: holdTimeMs, hash: 'l4', nextHopGroups } as NonNullable<Environment['lab']>['topology'];
  return {
    name: 'three-nodes',
    title: 'Three nodes',
    lab: spread === 'unknown' ? null : { prefix: 'hf', topology },
    vantages: vantages.map((name) => ({ name, netns: null, addresses: ['10.77.1.2'] })),
    vips: vips.map((name, index) => ({ name, address: vipAddress(index), family: 4, port: 7000, policy, service: null })),
    nodes: nodes.map((name) => ({ name, netns: null, addresses: [ADDRESS_OF[name] ?? ''], podCidrs: [], uplink: null })),
    routers: routers.map((name) => ({ name, netns: null, driver: 'frr', vtysh: [] })),
    cluster: null,
    keeperSocket: null,
    observers: ['routes'],
  };
}

/** What a fault of a journal is; `told`: what its keeper says beside it. */
export type FaultWords = { target?: string; id?: string; kind?: string; headline?: string; told?: FaultTold };
type FaultTold = { aimedAt?: 'vip'; isControl?: true; breaksBy?: readonly FaultMeans[] };
