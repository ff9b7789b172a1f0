// Control messages between runner and prober: NDJSON over stdio. Closing the channel ends the prober.
//
//   runner                                    prober
//     | ---- assign (all it needs to know) ---> |
//     | <--- assigned | refused --------------- |   ports, files and memory suffice, or why not
//     | ---- start ---------------------------> |   opens all flows; heartbeats start with each
//     | <--- event (flow.opened, …) ----------- |
//     | <--- event (vantage.ready) ------------ |
//     | <--- pulse, once a second ------------- |
//     | ---- edge ----------------------------> |   a window ends: pending mapping tries are cancelled
//     | ---- settle --------------------------> |   the next-hop set has settled: second mapping try
//     | ---- final-map -----------------------> |   heartbeats stop; survivors are re-dialled once
//     | <--- event (flow.final, …) ------------ |
//     | <--- done { of: final-map } ----------- |
//     | ---- stop ----------------------------> |   closes every flow
//     | <--- event (flow.closed, tally) ------- |
//     | <--- done { of: stop } ---------------- |   and exits
import { z } from 'zod';
import { journalEvent, tally } from './journal.ts';

export const CONTROL_SCHEMA = 1;

/** See `Population`. */
export const populationSchema = z.object({
  /** Name of the probe file. */
  probe: z.string(),
  protocol: z.string(),
  intervalMs: z.number(),
  timeoutMs: z.number(),
  stallAfterMs: z.number(),
  payloadBytes: z.int(),
  freshDialsPerSec: z.int(),
  vip: z.object({ name: z.string(), address: z.string(), port: z.int(), policy: z.enum(['local', 'cluster']) }),
  count: z.int(),
});
/** Flows of one probe through one VIP, held by one prober. */
export type Population = z.infer<typeof populationSchema>;

/** First flows that a prober opens a second at most. */
export const FIRST_FLOWS_PER_SECOND = 2_500;

/** Replacements that a prober opens a second at most, of `flows` that can break: enough for all of them within a second, or nearly. */
export function replacementsPerSecond(flows: number): number {
  return Math.min(4_000, Math.max(1_000, flows));
}

const assign = z.object({
  type: z.literal('assign'),
  schema: z.literal(CONTROL_SCHEMA),
  runId: z.string(),
  vantage: z.string(),
  /** Of a prober that takes the place of another within one journal: goes into the names of its flows, so that none is used twice. */
  life: z.string().optional(),
  /** The reading of *the prober's* monotonic clock (`process.hrtime`, ms) that is t = 0 of the run. */
  t0MonoMs: z.number(),
  clockErrMs: z.number(),
  /** Source addresses to bind, at most one a family; a family without one is left to the kernel. */
  sourceAddresses: z.array(z.string()),
  /** Environment key, for the HMAC of hellos and UDP heartbeats (base64). */
  key: z.string(),
  /** 16 hex digits, the tag of this run on the wire. */
  runTag: z.string(),
  nodes: z.array(z.object({ name: z.string(), addresses: z.array(z.string()), podCidrs: z.array(z.string()) })),
  populations: z.array(populationSchema),
  /** Whether `settle` will come; without an observer the second mapping try is 10 s after the break. */
  observed: z.boolean(),
  /** Of a monitor: a first flow that cannot be opened is told as failed, and tried again for as long as it takes. */
  keepsDialling: z.boolean().optional(),
});
export type Assignment = z.infer<typeof assign>;

/** What the runner says. */
export const toProber = z.discriminatedUnion('type', [
  assign,
  z.object({ type: z.literal('start') }),
  z.object({ type: z.literal('edge') }),
  z.object({ type: z.literal('settle') }),
  z.object({ type: z.literal('final-map') }),
  z.object({ type: z.literal('stop') }),
]);
export type ToProber = z.infer<typeof toProber>;

/** What the prober says. */
export const fromProber = z.discriminatedUnion('type', [
  z.object({
    type: z.literal('hello'),
    schema: z.literal(CONTROL_SCHEMA),
    version: z.string(),
    pid: z.int(),
    /** Boot id of the machine: equal to the runner's, both read the same monotonic clock. */
    machineBoot: z.string(),
  }),
  z.object({ type: z.literal('assigned') }),
  z.object({ type: z.literal('refused'), code: z.string(), message: z.string(), remedy: z.string().optional() }),
  z.object({ type: z.literal('event'), event: journalEvent }),
  /** For the live view and the stop conditions only; never journalled. Exchanges since the last pulse. */
  z.object({
    type: z.literal('pulse'),
    t: z.number(),
    open: z.int(),
    opening: z.int(),
    broken: z.int(),
    ill: z.boolean(),
    tally,
    paths: z.array(z.object({ vip: z.string(), protocol: z.string(), ingress: z.string(), flows: z.int() })),
  }),
  z.object({ type: z.literal('done'), of: z.enum(['final-map', 'stop']) }),
]);
export type FromProber = z.infer<typeof fromProber>;
export type Pulse = Extract<FromProber, { type: 'pulse' }>;
