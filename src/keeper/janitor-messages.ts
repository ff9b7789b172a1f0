// What keeper and janitor say to each other over the janitor's standard input and output. What matters more stands in the journal.
import { z } from 'zod';

export const toJanitor = z.discriminatedUnion('op', [
  /** The runner renewed the lease of `epoch` at `atMs` (CLOCK_MONOTONIC). */
  z.object({ op: z.literal('renewed'), epoch: z.int(), atMs: z.number() }),
  /** Do you see this fault's intent in the journal? Nothing is injected before the janitor does. */
  z.object({ op: z.literal('watch'), key: z.string() }),
  /** Answers a ping. `isQuiet`: no command that could disturb a target is under way. */
  z.object({ op: z.literal('pong'), ping: z.int(), isQuiet: z.boolean() }),
]);
export type ToJanitor = z.infer<typeof toJanitor>;

export const fromJanitor = z.discriminatedUnion('op', [
  z.object({ op: z.literal('ping'), ping: z.int() }),
  z.object({ op: z.literal('watching'), key: z.string() }),
]);
export type FromJanitor = z.infer<typeof fromJanitor>;
