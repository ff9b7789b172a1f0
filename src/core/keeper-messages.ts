// What a runner and a keeper say to each other: NDJSON over a Unix socket (0600), one answer a request.
// The keeper also pushes the journal events of faults (fault.*) to whoever holds the epoch.
import { z } from 'zod';
import { journalEvent } from './journal.ts';
import { keeperJoin } from './keeper-join.ts';

export const plannedFault = z.object({
  /** `f1`, `f2`, … */
  fault: z.string(),
  kind: z.string(),
  /** Node or VIP by name, as the fault is aimed; roles are resolved before. */
  target: z.string(),
  forMs: z.number().positive(),
  /** The fault's own parameters; validated by the fault's schema. */
  params: z.record(z.string(), z.unknown()),
});
export type PlannedFault = z.infer<typeof plannedFault>;

const id = z.int();
/** What is asked of a keeper. `epoch` is what `acquire` gave; a stale one is refused with KEEPER_STALE_EPOCH. */
export const toKeeper = z.discriminatedUnion('op', [
  /** Takes the environment for one run; refused with KEEPER_BUSY while another holds it, KEEPER_UNVERIFIED while a revert is not confirmed. */
  z.object({ id, op: z.literal('acquire'), runId: z.string(), t0MonoMs: z.number() }),
  /** Preflight: would every fault be allowed, and what would it touch? Changes nothing. */
  z.object({ id, op: z.literal('plan'), epoch: z.int().nullable(), faults: z.array(plannedFault) }),
  z.object({ id, op: z.literal('inject'), epoch: z.int(), fault: plannedFault }),
  z.object({ id, op: z.literal('renew'), epoch: z.int() }),
  z.object({ id, op: z.literal('revert'), epoch: z.int(), fault: z.string(), reason: z.string() }),
  z.object({ id, op: z.literal('release'), epoch: z.int() }),
  z.object({ id, op: z.literal('halt') }),
  z.object({ id, op: z.literal('status') }),
  /** What became of each fault of a run, whoever holds the environment now: for one that lost its keeper and cannot read its journal. */
  z.object({ id, op: z.literal('words'), runId: z.string() }),
  /** A reading of its clock: `t0MonoMs` of `acquire` is on the keeper's own. */
  z.object({ id, op: z.literal('clock') }),
]);
export type ToKeeper = z.infer<typeof toKeeper>;

const faultStatus = z.object({
  fault: z.string(),
  kind: z.string(),
  target: z.string(),
  runId: z.string(),
  epoch: z.int(),
  state: z.enum(['intent', 'in-force', 'lost', 'reverting', 'verified', 'unverified', 'gone']),
  /** Why it is in that state; empty when that needs no reason. */
  reason: z.string(),
  /** The target may be used again. */
  isQuarantineOver: z.boolean(),
  /** ms until it expires by itself; null when it is over. */
  expiresInMs: z.number().nullable(),
});

export const planStep = z.object({
  fault: z.string(),
  /** What will be touched, as a person would say it. */
  touches: z.array(z.string()),
  /** What must remain, and does. */
  remains: z.array(z.string()),
  /** Why the keeper would refuse; empty: it would not. */
  refusals: z.array(z.string()),
});
export type PlanStep = z.infer<typeof planStep>;

export const keeperStatus = z.object({
  armed: z.boolean(),
  /** A person pulled the emergency stop, and nobody lifted it yet. */
  halted: z.boolean(),
  holder: z.object({ runId: z.string(), epoch: z.int() }).nullable(),
  leaseMs: z.number(),
  /** Null: none answers. */
  keeperPid: z.int().nullable(),
  janitorPid: z.int().nullable(),
  faults: z.array(faultStatus),
});
export type KeeperStatus = z.infer<typeof keeperStatus>;

/** What a keeper says: answers carry the request's id; `event` is pushed. */
export const fromKeeper = z.union([
  z.object({ id, ok: z.literal(false), code: z.string(), message: z.string(), remedy: z.string().optional() }),
  z.object({
    id,
    ok: z.literal(true),
    /** acquire */
    epoch: z.int().optional(),
    leaseMs: z.number().optional(),
    /** acquire: where the keeper's journal lies, for a run that loses its keeper. */
    stateFolder: z.string().optional(),
    /** plan */
    steps: z.array(planStep).optional(),
    /** status, halt */
    status: keeperStatus.optional(),
    /** words: the run's `fault.*` events, in its clock. */
    events: z.array(journalEvent).optional(),
    /** clock: CLOCK_MONOTONIC of the keeper's machine, and the boot id that it counts from. */
    clock: z.object({ boot: z.string(), monoMs: z.number() }).optional(),
  }),
  z.object({ event: journalEvent }),
]);
export type FromKeeper = z.infer<typeof fromKeeper>;

/** The keeper's own file, on its own machine: what it may do. Without it a keeper is disarmed. */
export const keeperFile = z.strictObject({
  armed: z.boolean().default(false).meta({ description: 'Without it no fault is ever injected.' }),
  allow: z.strictObject({
    faults: z.array(z.string()).default([]).meta({ description: 'Kinds of fault; empty: none.' }),
    nodes: z.array(z.string()).default([]).meta({ description: 'Nodes that may be a target; empty: none.' }),
    vips: z.array(z.string()).default([]).meta({ description: 'VIPs whose Service and Deployment may be a target; empty: none.' }),
  }),
  kubeconfig: z
    .string()
    .optional()
    .meta({ description: 'Path of the kubeconfig that faults use; without it the environment’s. A lab has one of its own.' }),
  context: z.string().optional().meta({ description: 'A context of it.' }),
  minNextHops: z
    .int()
    .min(0)
    .optional()
    .meta({ description: 'Fewer next hops are never left (default: two thirds of the usual set, and at least 2).' }),
  leaseMs: z.number().min(500).default(15_000).meta({ description: 'How long a fault stays when nobody renews it.' }),
  quarantineMs: z
    .number()
    .min(500)
    .default(8_000)
    .meta({ description: 'How long after a revert the janitor re-asserts the state from before.' }),
  join: keeperJoin.optional().meta({ description: 'The service that may ask this keeper from another machine.' }),
});
export type KeeperFile = z.output<typeof keeperFile>;
