// The resources of the service's API as its clients see them: the server answers with these forms, the page and `trigger` read them.
//
// All paths lie below /api/v1. Instants are Unix ms (`…Ms`), lists come newest first as { items, next } and go on with ?cursor=next.
import { z } from 'zod';
import { FINDING_KINDS, finding, SEVERITIES } from './finding.ts';
import { VERDICTS } from './report-format.ts';
import { monitorSpec, periodSpec, ruleSpec, scheduleSpec } from './service-file.ts';
import { tally } from './journal.ts';

/** RFC 9457. `code` is stable (core/errors.ts); `remedy` says what to do. */
export const problem = z.object({
  type: z.string(),
  title: z.string(),
  status: z.int(),
  code: z.string(),
  detail: z.string(),
  remedy: z.string().optional(),
  /** Of bad input: every mistake with its place in the body. */
  mistakes: z.array(z.object({ path: z.string(), expected: z.string(), found: z.string().optional() })).optional(),
});
export type Problem = z.infer<typeof problem>;

export function listOf<Item extends z.ZodType>(item: Item) {
  return z.object({ items: z.array(item), next: z.string().nullable() });
}

/** A path as one vantage sees it, over the last minute of valid bins. */
export const pathStatus = z.object({
  vantage: z.string(),
  vip: z.string(),
  protocol: z.string(),
  /** Ingress node, or `unknown`. */
  ingress: z.string(),
  /** `lost`: it was in the set of the monitor's memory and is not now. `idle`: in the set, and no flow of this vantage uses it. */
  state: z.enum(['ok', 'ill', 'dead', 'lost', 'idle', 'unknown']),
  flows: z.int(),
  tally,
  rttMs: z.object({ p50: z.number(), p99: z.number() }).nullable(),
});
export type PathStatus = z.infer<typeof pathStatus>;

export const vantageStatus = z.object({
  vantage: z.string(),
  agent: z.string().nullable(),
  state: z.enum(['holding', 'starting', 'refused', 'restarting', 'ill', 'silent', 'none']),
  why: z.string().nullable(),
  lastSeenMs: z.number().nullable(),
  open: z.int(),
  broken: z.int(),
  clockErrMs: z.number().nullable(),
});
export type VantageStatus = z.infer<typeof vantageStatus>;

/** One second of one VIP of a monitor, for its little picture: all vantages and protocols. */
export const secondOfVip = z.object({
  atMs: z.number(),
  vip: z.string(),
  /** Flows that were answered at their pace, by ingress node; `unknown`: those whose prober was ill, too. */
  byPath: z.record(z.string(), z.int()),
  /** Exchanges lost or late; flows broken, by the second of their onset. */
  lost: z.int(),
  broke: z.int(),
});
export type SecondOfVip = z.infer<typeof secondOfVip>;

export const monitorStatus = z.object({
  name: z.string(),
  environment: z.string(),
  spec: monitorSpec,
  origin: z.enum(['file', 'api']),
  isPaused: z.boolean(),
  session: z.string(),
  sinceMs: z.number(),
  /** One sentence: `3 of 3 paths of web alive from 2 vantages`. */
  sentence: z.string(),
  vantages: z.array(vantageStatus),
  paths: z.array(pathStatus),
  nextHops: z.array(
    z.object({ vip: z.string(), nodes: z.array(z.string()).nullable(), from: z.enum(['observer', 'flows']), sinceMs: z.number() }),
  ),
  sessions: z.array(z.object({ router: z.string(), peer: z.string(), node: z.string().nullable(), state: z.string() })),
  /** The last five minutes, a second each. */
  recent: z.array(secondOfVip),
  openFindings: z.int(),
});
export type MonitorStatus = z.infer<typeof monitorStatus>;

export const runResource = z.object({
  id: z.string(),
  scenario: z.string(),
  environment: z.string(),
  seed: z.int(),
  trigger: z.string(),
  state: z.enum(['queued', 'running', 'ended', 'skipped', 'refused', 'cancelled', 'lost']),
  dueMs: z.number(),
  startedMs: z.number().nullable(),
  endedMs: z.number().nullable(),
  verdict: z.enum(VERDICTS).nullable(),
  summary: z.string().nullable(),
  isCancelRequested: z.boolean(),
  annotations: z.array(z.object({ atMs: z.number(), text: z.string() })),
  /** Against the last ended runs of the same scenario and environment; null when there is none. One sentence a figure. */
  comparison: z.array(z.string()).nullable(),
});
export type RunResource = z.infer<typeof runResource>;

/** Body of POST /runs and POST /runs/plan. */
export const runRequest = z.strictObject({
  scenario: z.string(),
  environment: z.string(),
  seed: z
    .int()
    .min(0)
    .max(2 ** 32 - 1)
    .optional(),
  overlap: z.enum(['wait', 'refuse']).default('wait'),
  /** Two requests with the same key are one run. */
  idempotencyKey: z.string().min(1).max(128).optional(),
});

export const agentResource = z.object({
  name: z.string(),
  environment: z.string(),
  vantage: z.string(),
  version: z.string().nullable(),
  lastSeenMs: z.number().nullable(),
  isSilent: z.boolean(),
  clock: z.object({ offsetMs: z.number(), errMs: z.number() }).nullable(),
  serial: z.int(),
  takenSerial: z.int().nullable(),
  spoolBytes: z.int().nullable(),
  droppedEvents: z.int().nullable(),
  canaryAgeMs: z.number().nullable(),
});
export type AgentResource = z.infer<typeof agentResource>;

/** What a keeper itself says when asked now (its socket); `error` when it does not answer. */
export const keeperResource = z.object({
  environment: z.string(),
  isReachable: z.boolean(),
  error: z.string().nullable(),
  /** Of the error: what to do about it. */
  remedy: z.string().nullable(),
  isArmed: z.boolean().nullable(),
  isHalted: z.boolean().nullable(),
  /** Id of the run that holds its lease, as the run's own files have it. */
  holder: z.string().nullable(),
  /** `reason`: why it is in that state; empty when that needs no reason. */
  faults: z.array(z.object({ fault: z.string(), kind: z.string(), target: z.string(), state: z.string(), reason: z.string() })),
  /** Of a keeper on another machine: its link to this service, and what it said of itself when it joined. */
  joined: z
    .object({
      name: z.string(),
      isConnected: z.boolean(),
      lastSeenMs: z.number().nullable(),
      /** Boot id of its machine. */
      boot: z.string().nullable(),
      /** Its socket there. */
      place: z.string().nullable(),
      version: z.string().nullable(),
    })
    .nullable(),
});
export type KeeperResource = z.infer<typeof keeperResource>;

export const scheduleResource = z.object({
  spec: scheduleSpec,
  origin: z.enum(['file', 'api']),
  lastTickMs: z.number().nullable(),
  nextTickMs: z.number().nullable(),
  lastRun: runResource.nullable(),
});
export type ScheduleResource = z.infer<typeof scheduleResource>;

export const alertResource = z.object({
  id: z.string(),
  rule: z.string(),
  state: z.enum(['waiting', 'open', 'resolved']),
  severity: z.enum(SEVERITIES),
  sentence: z.string(),
  environment: z.string(),
  findings: z.array(z.string()),
  maintenance: z.string().nullable(),
  openedMs: z.number(),
  updatedMs: z.number(),
  resolvedMs: z.number().nullable(),
});
export type AlertResource = z.infer<typeof alertResource>;

export const deliveryResource = z.object({
  id: z.string(),
  alert: z.string(),
  destination: z.string(),
  type: z.string(),
  sentence: z.string(),
  /** `held`: storm control waits to fold it; `folded`: it went out inside another notification. */
  state: z.enum(['held', 'pending', 'delivered', 'dead', 'folded']),
  attempts: z.int(),
  nextAttemptMs: z.number().nullable(),
  lastError: z.string().nullable(),
  createdMs: z.number(),
  deliveredMs: z.number().nullable(),
});
export type DeliveryResource = z.infer<typeof deliveryResource>;

export const environmentResource = z.object({
  name: z.string(),
  title: z.string(),
  isLab: z.boolean(),
  vantages: z.array(z.string()),
  vips: z.array(z.object({ name: z.string(), address: z.string(), port: z.int(), policy: z.string() })),
  nodes: z.array(z.object({ name: z.string(), addresses: z.array(z.string()) })),
  hasKeeper: z.boolean(),
  observers: z.array(z.string()),
});
export type EnvironmentResource = z.infer<typeof environmentResource>;
export const scenarioResource = z.object({ name: z.string(), title: z.string(), faults: z.array(z.string()), file: z.unknown() });
export type ScenarioResource = z.infer<typeof scenarioResource>;
export const probeResource = z.object({ name: z.string(), title: z.string(), protocol: z.string(), file: z.unknown() });
export const tokenResource = z.object({
  id: z.string(),
  name: z.string(),
  role: z.enum(['viewer', 'operator', 'admin', 'agent', 'keeper']),
  agent: z.string().nullable(),
  createdMs: z.number(),
  lastUsedMs: z.number().nullable(),
  revokedMs: z.number().nullable(),
});
/** Who asks: the answer of GET /me; `csrf` for a browser's session, to be sent as `x-csrf-token`. */
export const me = z.object({
  name: z.string(),
  role: z.enum(['viewer', 'operator', 'admin', 'agent', 'keeper']),
  csrf: z.string().nullable(),
});
export type Me = z.infer<typeof me>;

/** Of GET /overview: what the page's first look needs, in one answer. */
export const overview = z.object({
  title: z.string(),
  version: z.string(),
  sentence: z.string(),
  monitors: z.array(monitorStatus),
  openFindings: z.array(finding),
  running: z.array(runResource),
  health: z.object({
    canaryAgeMs: z.number().nullable(),
    outboxPending: z.int(),
    outboxDead: z.int(),
    outboxOldestMs: z.number().nullable(),
    problems: z.array(z.string()),
  }),
});
export type Overview = z.infer<typeof overview>;

/** Data of a Server-Sent Event on GET /events: something changed; who cares fetches it. `id:` resumes. */
export const changeEvent = z.object({ topic: z.string(), subject: z.string(), atMs: z.number() });
export type ChangeEvent = z.infer<typeof changeEvent>;

export const findingQuery = z.object({
  state: z.enum(['open', 'resolved']).optional(),
  monitor: z.string().optional(),
  kind: z.enum(FINDING_KINDS).optional(),
});

export const periodResource = z.object({ spec: periodSpec, origin: z.enum(['file', 'api']), isNow: z.boolean() });
export type PeriodResource = z.infer<typeof periodResource>;
/** Never with secrets. */
export const hookResource = z.object({
  name: z.string(),
  kind: z.string(),
  url: z.string(),
  scenarios: z.array(z.string()),
  allowFaults: z.boolean(),
});
export const ruleResource = ruleSpec;
/** Where notifications go. Never with secrets. */
export const destinationResource = z.object({ name: z.string(), kind: z.string(), url: z.string() });
export type DestinationResource = z.infer<typeof destinationResource>;
/** Answer of POST /runs/plan: the text of `holdfast run --dry-run`, line by line. */
export const runPlan = z.object({ text: z.string() });
/** Body of POST /session, answered with a cookie; DELETE /session ends it. */
export const sessionRequest = z.strictObject({ token: z.string() });
