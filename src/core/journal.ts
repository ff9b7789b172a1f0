// The journal of a run: every event it may hold. Append-only, one JSON object a line, the single source of truth.
//
// Every `t` and `…T` is milliseconds since the start of the run on the runner's monotonic clock; events of other
// processes are carried to that clock before they are written, with the bound `clockErrMs` when it is not 0.
// Objects are loose: a newer version may add fields, and a reader keeps what it does not know.
import { z } from 'zod';
import { PHASES } from './checks.ts';
import { FAULT_AIMS, FAULT_MEANS } from './scenario-file.ts';

export const JOURNAL_SCHEMA = 1;
export const JOURNAL_FILE = 'journal.ndjson';

const envelope = {
  t: z.number(),
  /** `runner`, `prober:v1`, `keeper`, `janitor`, `observer:tor` */
  from: z.string(),
  /** Counts up per `from`; readers sort by (t, from, seq). */
  seq: z.int().nonnegative(),
  clockErrMs: z.number().nonnegative().optional(),
};

function event<Type extends string, Shape extends z.ZodRawShape>(type: Type, shape: Shape) {
  // Said outright: a field of `shape` replaces the envelope's of the same name, which the type of a spread of a generic does not tell.
  type Fields = Omit<typeof envelope, keyof Shape> & { type: z.ZodLiteral<Type> } & Shape;
  return z.looseObject<Fields>({ ...envelope, type: z.literal(type), ...shape });
}

const flow = z.string();
const identity = {
  /** Node the flow came in by; null when the evidence does not tell (see ingress.ts). */
  ingress: z.string().nullable(),
  /** Name of the responder that answers (a pod; in the lab the node's backend). */
  backend: z.string(),
  /** Node of that responder. */
  backendNode: z.string(),
  /** Boot id of that responder: changes when its process does. */
  boot: z.string(),
  observedSource: z.string(),
};

/** Why a flow broke. */
export const BREAK_CAUSES = ['reset', 'stalled', 'closed', 'unreachable'] as const;
export type BreakCause = (typeof BREAK_CAUSES)[number];
/**
 * Why a dial failed. `notSent`: the prober's own failure (its address has left the machine, no port or file is free), which says nothing of
 * the VIP or the path. Events have it as `unreachable` with `isOwn`: a service that does not know it would refuse the events with it.
 */
export type DialFailure = z.infer<typeof dialFailure> | 'notSent';
const dialFailure = z.enum(['refused', 'timeout', 'unreachable']);
const isOwn = z.literal(true).optional();

/** A failure as events tell it. */
export function toldFailure(failure: DialFailure): { failure: z.infer<typeof dialFailure>; isOwn?: true } {
  return failure === 'notSent' ? { failure: 'unreachable', isOwn: true } : { failure };
}

export const tally = z.object({
  scheduled: z.int(),
  ok: z.int(),
  late: z.int(),
  lost: z.int(),
  notSent: z.int(),
  invalid: z.int(),
});
/** The exchanges scheduled in one bin of one path: scheduled = ok + late + lost + notSent + invalid, always. */
export type Tally = z.infer<typeof tally>;

const fault = {
  /** `f1`, `f2`, … in the order of the timeline. */
  fault: z.string(),
  kind: z.string(),
  /** Node or VIP that the fault is aimed at. */
  target: z.string(),
  epoch: z.int().nullable(),
};

/** A next hop; `node` is null when no node of the environment owns the address. */
const nextHop = z.object({ address: z.string(), node: z.string().nullable() });
export type NextHop = z.infer<typeof nextHop>;

export const journalEvent = z.discriminatedUnion('type', [
  event('run.started', {
    schema: z.literal(JOURNAL_SCHEMA),
    runId: z.string(),
    /** Unix ms at t = 0. */
    wallClockMs: z.number(),
    /** As resolved: `Scenario`, with `name`. */
    scenario: z.looseObject({ name: z.string() }),
    /** As resolved: `Environment`, without secrets. */
    environment: z.looseObject({ name: z.string() }),
    /** name -> `Probe`, as resolved. */
    probes: z.record(z.string(), z.looseObject({})),
    seed: z.number(),
    versions: z.record(z.string(), z.string()),
    planHash: z.string(),
  }),
  event('phase.started', { phase: z.enum(PHASES) }),
  /** Ends the last window: survivors are re-dialled (the final map) from here on and nothing after it is a break. */
  event('timeline.ended', {}),
  event('run.note', { note: z.string() }),
  event('run.aborted', { why: z.string() }),
  event('run.ended', { verdict: z.enum(['held', 'deviated', 'inconclusive', 'errored']), why: z.string().optional() }),
  event('check.evaluated', { check: z.string(), verdict: z.string(), why: z.string() }),

  /** All flows of a vantage are open, or were tried. */
  event('vantage.ready', {
    vantage: z.string(),
    addresses: z.array(z.string()),
    clockErrMs: z.number().nonnegative(),
    opened: z.int(),
    failed: z.int(),
  }),
  event('flow.opened', {
    flow,
    probe: z.string(),
    protocol: z.string(),
    sourceAddress: z.string(),
    sourcePort: z.int(),
    /** Name of the VIP. */
    vip: z.string(),
    port: z.int(),
    ...identity,
    rttMs: z.number(),
    replaces: flow.optional(),
  }),
  /** Under a living flow. */
  event('flow.changed', { flow, ...identity }),
  /**
   * A TCP flow ends here. A UDP flow is silent and may speak again (`flow.recovered`).
   * `onsetT`: arrival of the reset or close; of a stall the scheduled time of the first unanswered exchange + the last round trip.
   */
  event('flow.broken', {
    flow,
    breakCause: z.enum(BREAK_CAUSES),
    onsetT: z.number(),
    lastOkT: z.number().nullable(),
    evidence: z.string(),
  }),
  /** A UDP flow that was broken is answered again; `t` is the arrival of that answer. */
  event('flow.recovered', { flow, ...identity }),
  /** A living flow had no ok exchange from `fromT` (its last one) to `untilT`, for more than two intervals. */
  event('flow.quiet', { flow, fromT: z.number(), untilT: z.number() }),
  /** Where a broken 5-tuple goes now; null with `failure` when the dial told nothing. */
  event('flow.mapped', {
    flow,
    ingress: z.string().nullable(),
    backend: z.string().nullable(),
    observedSource: z.string().nullable(),
    attempt: z.int(),
    tookMs: z.number(),
    failure: dialFailure.optional(),
    isOwn,
  }),
  event('flow.closed', { flow }),
  /** The final map of a surviving TCP flow. */
  event('flow.final', { flow, ingress: z.string().nullable(), backend: z.string().nullable(), observedSource: z.string().nullable() }),
  /** A flow that could not be opened (first dial, or the replacement of `replaces`). */
  event('dial.failed', { vip: z.string(), protocol: z.string(), failure: dialFailure, isOwn, replaces: flow.optional() }),
  event('tally', {
    vantage: z.string(),
    vip: z.string(),
    protocol: z.string(),
    /** Ingress node, or `unknown`. */
    path: z.string(),
    /** Second of the run: exchanges scheduled in [bin, bin + 1) s. */
    bin: z.int(),
    ...tally.shape,
    /** Dials of fresh source ports instead of exchanges of held flows. */
    fresh: z.literal(true).optional(),
    rtt: z.record(z.string(), z.number()),
  }),
  event('prober.ill', { vantage: z.string(), fromT: z.number(), untilT: z.number(), why: z.string() }),

  /** `headline`: what happens to the target as a person says it ("n2 lost its BGP session"), from the fault's own file. */
  event('fault.planned', { ...fault, forMs: z.number(), atMs: z.number(), headline: z.string().optional() }),
  /**
   * Written and fsynced before anything is touched. `aimedAt`: what `target` names; absent: a node.
   * `isControl`: the fault is a control, which must change nothing. `breaksBy`: how it can break flows; absent: not told.
   */
  event('fault.intent', {
    ...fault,
    forMs: z.number(),
    headline: z.string().optional(),
    aimedAt: z.enum(FAULT_AIMS).optional(),
    isControl: z.boolean().optional(),
    breaksBy: z.array(z.enum(FAULT_MEANS)).optional(),
  }),
  event('fault.in-force', fault),
  /** The fault vanished without us: somebody else undid it. */
  event('fault.lost', { ...fault, reason: z.string() }),
  event('fault.reverting', { ...fault, reason: z.string() }),
  event('fault.verified', fault),
  event('fault.unverified', { ...fault, reason: z.string() }),
  /** The target no longer exists: nothing is left to revert. */
  event('fault.gone', { ...fault, reason: z.string() }),

  event('next-hops', {
    observer: z.string(),
    router: z.string(),
    prefix: z.string(),
    /** In the router's own order; empty: no route. */
    nextHops: z.array(nextHop),
    /** False at a change; written again with true once nothing changed for 2 s. */
    settled: z.boolean(),
  }),
  event('bgp-session', {
    observer: z.string(),
    router: z.string(),
    peer: z.string(),
    node: z.string().nullable(),
    /** RFC 4271 section 8.2.2: Idle, Connect, Active, OpenSent, OpenConfirm, Established. */
    state: z.string(),
    reason: z.string(),
  }),
  // Kubernetes and MetalLB objects, reduced to what decides about flows. The first look tells all that stands; afterwards each change
  // as its watch event arrives. Objects are named `namespace/name`; nodes and cluster-scoped objects by their name alone.

  /** All endpoints of the Service behind a VIP, after a change of its EndpointSlices. */
  event('cluster.endpoints', {
    observer: z.string(),
    vip: z.string(),
    service: z.string(),
    endpoints: z.array(
      z.object({
        /** `namespace/name` of the pod; its address where the slice names none. */
        pod: z.string(),
        node: z.string().nullable(),
        ready: z.boolean(),
        serving: z.boolean(),
        terminating: z.boolean(),
      }),
    ),
  }),
  event('cluster.service', {
    observer: z.string(),
    vip: z.string(),
    service: z.string(),
    /** False: it is gone. */
    exists: z.boolean(),
    /** Null: it is no load balancer, or gone. */
    policy: z.enum(['local', 'cluster']).nullable(),
    affinity: z.enum(['none', 'client-ip']).nullable(),
    /** Addresses that its status announces. */
    addresses: z.array(z.string()),
  }),
  event('cluster.node', {
    observer: z.string(),
    node: z.string(),
    exists: z.boolean(),
    /** Condition Ready: True, False, Unknown. */
    ready: z.string(),
    unschedulable: z.boolean(),
    /** Has the label node.kubernetes.io/exclude-from-external-load-balancers. */
    excluded: z.boolean(),
    /** Condition NetworkUnavailable is True. */
    networkUnavailable: z.boolean(),
  }),
  /** The Deployment behind a VIP; counts as in its status. */
  event('cluster.deployment', {
    observer: z.string(),
    vip: z.string(),
    deployment: z.string(),
    exists: z.boolean(),
    generation: z.int(),
    observedGeneration: z.int(),
    replicas: z.int(),
    updated: z.int(),
    ready: z.int(),
    available: z.int(),
  }),
  /** A pod of MetalLB's speaker. */
  event('cluster.speaker', {
    observer: z.string(),
    node: z.string(),
    pod: z.string(),
    exists: z.boolean(),
    ready: z.boolean(),
    terminating: z.boolean(),
  }),
  /** A configuration object of MetalLB changed. `what` says how, as a person would: "nodeSelectors now leave out n2". */
  event('cluster.metallb', {
    observer: z.string(),
    kind: z.string(),
    object: z.string(),
    change: z.enum(['seen', 'changed', 'gone']),
    what: z.string(),
  }),
  /** Which nodes should advertise a VIP by the objects as they now are, worked out as MetalLB does. */
  event('cluster.intent', {
    observer: z.string(),
    vip: z.string(),
    nodes: z.array(
      z.object({
        node: z.string(),
        advertises: z.boolean(),
        /** MetalLB's own word for why not (`noLocalEndpoints`, …); null when it advertises. */
        reason: z.string().nullable(),
        /** The BGPPeers that it is to tell; absent in older journals. `address` is null for a peer on an interface. */
        peers: z.array(z.object({ name: z.string(), address: z.string().nullable() })).optional(),
      }),
    ),
  }),
  /**
   * What MetalLB says of itself, for one VIP and every node; told anew when any of it changes. These are words, not the wire: a speaker
   * writes its status before its session is up, and what a frozen speaker wrote last still stands.
   */
  event('cluster.metallb-status', {
    observer: z.string(),
    vip: z.string(),
    nodes: z.array(
      z.object({
        node: z.string(),
        /** BGPPeers that its speaker announces the VIP to (ServiceBGPStatus); null: this MetalLB writes no such objects. */
        announcedTo: z.array(z.string()).nullable(),
        /** Whether its speaker took the configuration (ConfigurationState): Valid, Invalid, Unknown; null: it has said nothing. */
        configuration: z.string().nullable(),
        /** Its error, where it is Invalid: the last valid configuration is then still in use. */
        error: z.string().nullable(),
        /** The sessions that the BGPPeers ask of the node. */
        sessions: z.array(
          z.object({
            peer: z.string(),
            /** Null for a peer on an interface. */
            address: z.string().nullable(),
            myAsn: z.int(),
            /** A number, or internal or external. */
            peerAsn: z.string(),
            /** As frr-k8s tells it (BGPSessionState); null where nothing does. */
            state: z.string().nullable(),
          }),
        ),
      }),
    ),
  }),
  /** An observer could not see from here to there. */
  event('observer.blind', { observer: z.string(), reason: z.string() }),
]);

export type JournalEvent = z.infer<typeof journalEvent>;
export type EventType = JournalEvent['type'];
/** Every type this version knows; a reader leaves out others and counts them. */
export const EVENT_TYPES: ReadonlySet<string> = new Set(journalEvent.options.map((option) => option.shape.type.value));
export type EventOf<Type extends EventType> = Extract<JournalEvent, { type: Type }>;
/** An event before its writer numbers it. */
export type Unnumbered<Event extends { seq: number }> = Event extends unknown
  ? { [Key in keyof Event as Key extends 'seq' ? never : Key]: Event[Key] } // `Omit` would lose the known keys of a loose object
  : never;

/** The order in which readers see events: time, then writer, then its own count. */
export function compareEvents(a: Pick<JournalEvent, 't' | 'from' | 'seq'>, b: Pick<JournalEvent, 't' | 'from' | 'seq'>): number {
  if (a.t !== b.t) return a.t - b.t;
  if (a.from !== b.from) return a.from < b.from ? -1 : 1;
  return a.seq - b.seq;
}

/** The vantage of an event that a prober wrote; null for anybody else's. */
export function vantageOf(event: Pick<JournalEvent, 'from'>): string | null {
  return event.from.startsWith('prober:') ? event.from.slice('prober:'.length) : null;
}
