// A scenario file: what to hold, what to break and when, what to expect.
import { z } from 'zod';
import { expectation } from './checks.ts';
import { name } from './names.ts';
import { duration } from './units.ts';

/** What a fault can be aimed at, as a timeline entry says it: `node: n2`, or `vip: web` for the Service behind a VIP. */
export const FAULT_AIMS = ['node', 'vip'] as const;
export type FaultAim = (typeof FAULT_AIMS)[number];

/**
 * By what a fault can break flows; whatever breaks otherwise while it is in force is not its doing.
 * - `routes`: its node stops being a next hop: whoever came in by it is sent elsewhere, and the router may rehash others.
 * - `links`: its node is dark: whatever came in by it, or was answered on it.
 * - `pods`: pods end, and with them what they answered.
 * - `policy`: the nodes serve its VIP in another way from one instant on: the VIP's flows then.
 */
export const FAULT_MEANS = ['routes', 'links', 'pods', 'policy'] as const;
export type FaultMeans = (typeof FAULT_MEANS)[number];

/** What the scenario schema needs to know of a fault; `params` are its own keys in a timeline entry. */
export type FaultForm = { readonly kind: string; readonly summary: string; readonly aimedAt: FaultAim; readonly params: z.ZodRawShape };

/** Nodes a scenario may name by role instead of by name. */
export const NODE_ROLES = ['any', 'middle-hop', 'end-hop'] as const;
export type NodeRole = (typeof NODE_ROLES)[number];

const flowGroup = z.strictObject({
  probe: name.meta({ description: 'A probe: the name of its file in probes/ without .yaml.' }),
  vip: name.meta({ description: 'A VIP of the environment, by name.' }),
  vantages: z
    .union([z.literal('all'), z.array(name).min(1)], { error: 'expected all, or a list of vantage names' })
    .default('all')
    .meta({ description: 'From where: all, or a list of names.' }),
  count: z.int().min(1).max(60_000).meta({ description: 'Flows held by each vantage.' }),
});

const aims = {
  node: { node: name.meta({ description: 'A node by name, or any, middle-hop, end-hop (in the order of the router).' }) },
  vip: { vip: name.meta({ description: 'A VIP of the environment, by name: the Service behind it is meant.' }) },
} as const satisfies Record<FaultAim, z.ZodRawShape>;

function timelineEntry(fault: FaultForm) {
  const aim: z.ZodRawShape = aims[fault.aimedAt];
  return z
    .strictObject({
      at: duration().meta({ description: 'When, counted from the moment all flows are open.' }),
      fault: z.literal(fault.kind),
      ...aim,
      for: duration({ minMs: 100, maxMs: 3_600_000 }).meta({ description: 'How long; the keeper reverts it then, whatever happens.' }),
      ...fault.params,
    })
    .meta({ description: fault.summary });
}

/**
 * The schema of a scenario file.
 * @param faults the faults that exist (the keeper's list), at least one
 */
export function scenarioFile(faults: readonly [FaultForm, ...FaultForm[]]) {
  const [first, ...rest] = faults;
  const entry = z.discriminatedUnion('fault', [timelineEntry(first), ...rest.map(timelineEntry)]);
  return z
    .strictObject({
      title: z.string().min(1).meta({ description: 'One line for people.' }),
      flows: z.array(flowGroup).min(1),
      timeline: z.array(entry).default([]).meta({ description: 'The faults; empty for a run that only watches.' }),
      expect: z.array(expectation).default([]),
      baseline: duration({ minMs: 1_000 })
        .default(5_000)
        .meta({ description: 'How long a run without faults watches (default 5s).', default: '5s' }),
      recovery: duration()
        .default(20_000)
        .meta({ description: 'How long to watch after the last revert was read back (default 20s).', default: '20s' }),
      minFlows: z.int().min(1).default(100).meta({ description: 'Fewer flows than this are too few to say "none broke".' }),
    })
    .superRefine((scenario, context) => {
      const entries = scenario.timeline as readonly { at: number; for: number }[];
      entries.forEach((next, index) => {
        const before = entries[index - 1];
        if (before && next.at < before.at + before.for) {
          context.addIssue({
            code: 'custom',
            path: ['timeline', index, 'at'],
            message: `expected a fault to start after the one before it ends (one target at a time): at least ${String((before.at + before.for) / 1000)}s`,
            input: next.at,
          });
        }
      });
    });
}

/** One planned fault of a timeline: times in ms, `node` still as the user wrote it; other keys are the fault's own parameters. */
export type TimelineEntry = { at: number; fault: string; for: number; node?: string | undefined; vip?: string | undefined } & Record<
  string,
  unknown
>;

/** What an entry names: a node or a role, or a VIP. The schema of its fault sees to it that it is one of them. */
export function aimOf({ node, vip }: Pick<TimelineEntry, FaultAim>): { at: FaultAim; name: string } {
  return vip === undefined ? { at: 'node', name: node ?? '' } : { at: 'vip', name: vip };
}

/** A scenario as the code uses it: durations in milliseconds. */
export type Scenario = Omit<z.output<ReturnType<typeof scenarioFile>>, 'timeline'> & { timeline: TimelineEntry[] };
