// What a service and its agents say to each other.
//
//   service                                              agent (one a vantage, behind NAT)
//     | -- job `assign` on the agent's own BullMQ queue: a signed order ->|   checks signature, serial and its own allow-list,
//     |                                                                   |   starts or ends detached probers, returns
//     | <- POST /api/v1/agent/state, every 2 s: clock exchange, what it holds
//     | <- POST /api/v1/agent/chunks, at most one a second a monitor: journal events, in order, numbered
//
// Redis only carries orders, and an order only says what to hold: whoever can write to it cannot aim an agent elsewhere, since orders are
// signed by the key the agent pinned when it enrolled. No secret travels in an order: the environment key lies at the agent.
import { z } from 'zod';
import { populationSchema } from './control.ts';
import { journalEvent } from './journal.ts';
import { name } from './names.ts';

export const AGENT_SCHEMA = 1;

/**
 * One monitor as one vantage holds it. `session` names the monitor's clock: t = 0 of all its events, at every vantage.
 * A changed monitor gets a new session; an agent ends probers of sessions that its newest order does not name.
 */
export const holding = z.object({
  monitor: name,
  session: z.string(),
  environment: name,
  vantage: name,
  /** t = 0 on the service's monotonic clock (ms), valid for that boot of its machine. */
  t0ServiceMonoMs: z.number(),
  /** Boot id of the service's machine, which `t0ServiceMonoMs` is valid for. An agent on the same machine need not ask for the time. */
  serviceBoot: z.string().optional(),
  /** 16 hex digits: tag of the monitor on the wire. */
  runTag: z.string().regex(/^[0-9a-f]{16}$/),
  sourceAddresses: z.array(z.string()),
  nodes: z.array(z.object({ name: z.string(), addresses: z.array(z.string()), podCidrs: z.array(z.string()) })),
  populations: z.array(populationSchema).min(1),
});
export type HoldingOrder = z.infer<typeof holding>;

/** All that an agent has to hold, the whole of it: an older serial is refused, so an order cannot be replayed. */
export const order = z.object({
  schema: z.literal(AGENT_SCHEMA),
  agent: name,
  serial: z.int().nonnegative(),
  issuedMs: z.number(),
  holdings: z.array(holding),
});
export type Order = z.infer<typeof order>;

/**
 * Data of the BullMQ job `assign`: `order` is the JSON text that was signed (Ed25519, base64 signature), byte for byte.
 * The queue also carries jobs `canary`: an agent has nothing to do for them but to take them.
 */
export const signedOrder = z.object({ order: z.string(), signature: z.string() });
export type SignedOrder = z.infer<typeof signedOrder>;

/** Name of the queue that only this agent consumes (its Redis ACL user sees nothing else). */
export function agentQueueName(agent: string): string {
  return `holdfast-agent-${agent}`;
}

/** Answer of GET /api/v1/agent/enrolment: what an agent pins at its first contact and compares ever after. */
export const enrolment = z.object({
  schema: z.literal(AGENT_SCHEMA),
  agent: name,
  environment: name,
  vantage: name,
  /** PEM (SPKI) of the Ed25519 key that signs orders. */
  controllerKey: z.string(),
});
export type Enrolment = z.infer<typeof enrolment>;

/**
 * The agent's estimate of the service's clock: service = agent + offsetMs, off by at most errMs (half of the shortest round trip of late,
 * plus drift since). Same boot id: both read one clock, and both are 0.
 */
export const clockEstimate = z.object({ offsetMs: z.number(), errMs: z.number().nonnegative() });
export type ClockEstimate = z.infer<typeof clockEstimate>;

/** Body of POST /api/v1/agent/state. */
export const agentState = z.object({
  version: z.string(),
  machineBoot: z.string(),
  /** Agent's monotonic clock when it sent this. */
  sentMonoMs: z.number(),
  clock: clockEstimate.nullable(),
  /** Serial of the newest order that it took; -1 when none. */
  serial: z.int(),
  holdings: z.array(
    z.object({
      monitor: z.string(),
      session: z.string(),
      state: z.enum(['starting', 'holding', 'refused', 'restarting']),
      /** Of a refusal or a restart: why, and what to do. */
      why: z.string().optional(),
      open: z.int(),
      broken: z.int(),
      isIll: z.boolean(),
    }),
  ),
  spoolBytes: z.int(),
  /** Events that were dropped because the spool was full; told loudly, never hidden. */
  droppedEvents: z.int(),
});
export type AgentState = z.infer<typeof agentState>;

/** Answer to it: the two readings of the service's monotonic clock that make it a clock exchange (as NTP's, RFC 5905 section 8). */
export const agentStateAnswer = z.object({
  serviceBoot: z.string(),
  receivedMonoMs: z.number(),
  sentMonoMs: z.number(),
  /** Serial of the newest order for this agent: an agent that has an older one asks Redis again. */
  serial: z.int(),
});
export type AgentStateAnswer = z.infer<typeof agentStateAnswer>;

/**
 * Body of POST /api/v1/agent/chunks. `t` of the events is on the session's clock *as the agent carried it over with `clock`*.
 * A stream is one life of one prober: its events have seq 0, 1, 2, … without a gap, and `firstSeq` numbers the chunk.
 */
export const chunk = z.object({
  monitor: name,
  session: z.string(),
  stream: z.string(),
  firstSeq: z.int().nonnegative(),
  clock: clockEstimate,
  events: z.array(journalEvent).max(20_000),
});
export type Chunk = z.infer<typeof chunk>;

/**
 * Answer: the seq expected next in this stream. More than sent: those were there already. Less: there is a gap, and the agent goes back.
 * `isObsolete`: nobody wants this session any more; the agent drops its spool.
 */
export const chunkAnswer = z.object({ nextSeq: z.int().nonnegative(), isObsolete: z.boolean() });
export type ChunkAnswer = z.infer<typeof chunkAnswer>;
