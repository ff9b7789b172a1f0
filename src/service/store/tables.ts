// The history store's tables, as Kysely types them. Instants are Unix ms; `json` columns hold one JSON text of the named form.
import type { ColumnType, Generated } from 'kysely';

/** A boolean as SQLite has it: 0 or 1. */
export type Flag = ColumnType<number, number, number>;

export type Tables = {
  tokens: TokenTable;
  browser_sessions: BrowserSessionTable;
  monitors: MonitorTable;
  agents: AgentTable;
  findings: FindingTable;
  schedules: ScheduleTable;
  periods: PeriodTable;
  runs: RunTable;
  hook_calls: HookCallTable;
  alerts: AlertTable;
  alert_findings: AlertFindingTable;
  deliveries: DeliveryTable;
  events: EventTable;
};

export const ROLES = ['viewer', 'operator', 'admin', 'agent', 'keeper'] as const;
export type Role = (typeof ROLES)[number];

type TokenTable = {
  id: string;
  name: string;
  role: Role;
  /** SHA-256 of the token, hex; the token itself is shown once and stored nowhere. */
  hash: string;
  /** Of a token with the role agent: whose. */
  agent: string | null;
  /** Of a token with the role keeper: whose. */
  keeper: string | null;
  created_ms: number;
  last_used_ms: number | null;
  revoked_ms: number | null;
};

type BrowserSessionTable = {
  /** SHA-256 of the cookie's value, hex. */
  hash: string;
  token_id: string;
  csrf: string;
  expires_ms: number;
};

type MonitorTable = {
  name: string;
  environment: string;
  /** `MonitorSpec` */
  spec: string;
  origin: 'file' | 'api';
  paused: Flag;
  /** Names the monitor's clock and its journal; a new one when the spec changes or the machine boots. */
  session: string;
  /** t = 0 of the session: on the service's monotonic clock of the boot `machine_boot`, and in Unix ms. */
  t0_mono_ms: number;
  t0_wall_ms: number;
  machine_boot: string;
};

type AgentTable = {
  name: string;
  environment: string;
  vantage: string;
  /** Serial of the newest order made for it. */
  serial: number;
  last_seen_ms: number | null;
  /** Its last `AgentState`. */
  state: string | null;
};

type FindingTable = {
  id: string;
  monitor: string;
  environment: string;
  kind: string;
  state: 'open' | 'resolved';
  opened_ms: number;
  updated_ms: number;
  /** `updated_ms` of the newest state that the alerts took; behind it after a crash, and then told again. */
  told_ms: number | null;
  /** `Finding` */
  json: string;
};

type ScheduleTable = {
  name: string;
  /** `ScheduleSpec` */
  spec: string;
  origin: 'file' | 'api';
  /** The newest tick that became a run or was recorded as skipped. */
  last_tick_ms: number | null;
  /** Ticks up to here are dealt with. Goes back with a clock that goes back: a tick's run is made once whatever the clock does. */
  handled_until_ms: number;
  created_ms: number;
};

type PeriodTable = {
  name: string;
  /** `PeriodSpec` */
  spec: string;
  origin: 'file' | 'api';
  from_ms: number;
  until_ms: number;
};

/** `queued` waits for its environment. `skipped` and `refused` were never started and say why. `lost`: its runner died; the keeper reverted. */
export const RUN_STATES = ['queued', 'running', 'ended', 'skipped', 'refused', 'cancelled', 'lost'] as const;
export type RunState = (typeof RUN_STATES)[number];

type RunTable = {
  /** Deterministic for a tick of a schedule and for a hook's call: a second attempt to make it finds it there. */
  id: string;
  scenario: string;
  environment: string;
  seed: number;
  /** `schedule nightly`, `hook deploys`, `token ops` */
  trigger: string;
  overlap: 'wait' | 'refuse';
  state: RunState;
  /** The instant of the tick or the request. */
  due_ms: number;
  created_ms: number;
  started_ms: number | null;
  ended_ms: number | null;
  verdict: string | null;
  /** One sentence: the report's, or why it was skipped, refused or lost. */
  summary: string | null;
  folder: string | null;
  /** Identity of the detached runner: pid and start time tell it from a later process with the same number. */
  runner_pid: number | null;
  runner_start_ticks: string | null;
  cancel_requested: Flag;
  /** Starts of a runner so far: more than one when the environment was found taken, or the service died before the first lived. */
  attempt: Generated<number>;
  /** Figures that are compared from run to run (a list of `Figure`), null before the end. */
  figures: string | null;
  /** Sentences against the last ended runs of the same scenario and environment: a JSON list; null when there is none. */
  comparison: string | null;
  /** Whether the end was told to who listens for it (alerts): at least once, whatever dies in between. */
  is_told: Generated<number>;
  /** Alerts that fired meanwhile and the like: a list of { atMs, text }. */
  annotations: string;
};

/** One accepted call of a hook; its key makes the second one of the same call harmless. */
type HookCallTable = {
  key: string;
  hook: string;
  received_ms: number;
  outcome: 'started' | 'annotated' | 'cooling' | 'refused' | 'ignored';
  why: string;
  run_id: string | null;
};

type AlertTable = {
  id: string;
  rule: string;
  /** What its findings share: environment, VIP or the finding itself. */
  group_key: string;
  /** Kind of the finding that it opened with: it stays. */
  kind: string;
  state: 'waiting' | 'open' | 'resolved';
  severity: string;
  sentence: string;
  environment: string;
  /** Ids of its findings: a JSON list. */
  findings: string;
  maintenance: string | null;
  opened_ms: number;
  updated_ms: number;
  resolved_ms: number | null;
  /** When its next notification is due: what was gathered, what changed, or that it is over. */
  tell_at_ms: number | null;
  /** Notifications so far: numbers them. */
  turn: number;
  /** What the last one said, in short, and when. */
  told: string;
  told_ms: number | null;
  /** How often it came back soon after it was over. */
  flaps: number;
  /** Since when all its findings are resolved. */
  quiet_ms: number | null;
};

/** Which alert told a finding, in which state: a state that comes a second time is nothing new. */
type AlertFindingTable = {
  alert: string;
  finding: string;
  state: 'open' | 'resolved';
  updated_ms: number;
  /** `Finding` without windows, and the nodes that it is about. */
  json: string;
};

/** The outbox: one notification to one destination. */
type DeliveryTable = {
  /** `<notification id>:<destination>`; the notification's own id is what the receiver sees. */
  id: string;
  /** The order in which they were made. */
  seq: number;
  notification_id: string;
  alert: string;
  destination: string;
  /** `Notification` */
  body: string;
  /** `held`: storm control waits to fold it; `folded`: it went out inside another notification, `folded_into`. */
  state: 'held' | 'pending' | 'delivered' | 'dead' | 'folded';
  attempts: number;
  /** Sum of the waits between its attempts: what the 24 h are counted by, whatever clocks did. */
  waited_ms: number;
  next_attempt_ms: number;
  last_error: string | null;
  created_ms: number;
  /** When storm control let it go: what its minute is counted by. */
  released_ms: number | null;
  delivered_ms: number | null;
  folded_into: string | null;
};

/** What the page and other listeners are told, in order; the id is the `Last-Event-ID` of Server-Sent Events. */
type EventTable = {
  id: Generated<number>;
  at_ms: number;
  /** `finding`, `run`, `agent`, `alert`, `delivery`, `monitor`, `schedule`, `period`, `keeper` */
  topic: string;
  /** Id of what changed. */
  subject: string;
};
