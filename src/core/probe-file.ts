// A probe file: how to look at a VIP.
import { z } from 'zod';
import { duration } from './units.ts';

/** The smallest message on the wire in bytes; see wire.ts. */
export const MIN_PAYLOAD_BYTES = 64;
/** The largest: one that still fits a UDP datagram over IPv6. */
export const MAX_PAYLOAD_BYTES = 16_384;

/**
 * The schema of a probe file.
 * @param protocols names of the protocols that exist (the prober's list), at least one
 */
export function probeFile(protocols: readonly [string, ...string[]]) {
  return z
    .strictObject({
      title: z.string().min(1).meta({ description: 'One line for people.' }),
      protocol: z.enum(protocols).meta({ description: 'What the flows speak.' }),
      interval: duration({ minMs: 50, maxMs: 3_600_000 })
        .default(500)
        .meta({ description: 'From one exchange of a flow to its next (default 500ms).', default: '500ms' }),
      timeout: duration({ minMs: 10, maxMs: 60_000 })
        .optional()
        .meta({ description: 'An answer after this long is late, no longer ok (default: one interval).' }),
      stallAfter: duration({ minMs: 100, maxMs: 3_600_000 })
        .optional()
        .meta({ description: 'A flow that is silent this long is broken: stalled (default: three intervals).' }),
      payload: z
        .int()
        .min(MIN_PAYLOAD_BYTES)
        .max(MAX_PAYLOAD_BYTES)
        .default(MIN_PAYLOAD_BYTES)
        .meta({ description: 'Total bytes of a request; larger ones find MTU holes.' }),
      freshDialsPerSec: z
        .int()
        .min(0)
        .max(100)
        .default(8)
        .meta({ description: 'New source ports dialled each second per vantage and VIP, as a new user would.' }),
    })
    .transform((probe) => ({
      title: probe.title,
      protocol: probe.protocol,
      intervalMs: probe.interval,
      timeoutMs: probe.timeout ?? probe.interval,
      stallAfterMs: probe.stallAfter ?? 3 * probe.interval,
      payloadBytes: probe.payload,
      freshDialsPerSec: probe.freshDialsPerSec,
    }))
    .refine((probe) => probe.stallAfterMs >= probe.timeoutMs, {
      message: 'expected at least the timeout (by default one interval)',
      path: ['stallAfter'],
    });
}

/** A probe as the code uses it: everything present, durations in milliseconds. */
export type Probe = z.output<ReturnType<typeof probeFile>>;
