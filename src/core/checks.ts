// The closed list of checks a scenario may expect: the words of `expect:`, one schema per check.
import { z } from 'zod';
import { name } from './names.ts';
import { duration, percent } from './units.ts';

/** The phases of a run, in order; a window belongs to the phase of its opening edge. */
export const PHASES = ['baseline', 'fault', 'recovery'] as const;
export type Phase = (typeof PHASES)[number];

const scope = {
  during: z.enum(PHASES).optional().meta({ description: 'Judge only this phase (default: the whole run).' }),
  vip: name.optional().meta({ description: 'Judge only this VIP.' }),
  vantage: name.optional().meta({ description: 'Judge only this vantage.' }),
  protocol: z.string().optional().meta({ description: 'Judge only flows of this protocol.' }),
};
/** `0` counts (one is too many); a percentage is a share with an interval. */
const atMost = z
  .union([z.literal(0), percent], { error: 'expected 0 or a share such as 5%' })
  .meta({ description: '0 (not one) or a share such as 5%.' });

/** One expectation; `check` picks the form. */
export const expectation = z.discriminatedUnion('check', [
  z.strictObject({ check: z.literal('broken-elsewhere'), max: atMost, ...scope }).meta({
    description: '(moved-broken + broken-in-place) / flows that were not on the dead hop.',
  }),
  z.strictObject({ check: z.literal('broken'), max: atMost, ...scope }).meta({ description: 'All broken flows / population.' }),
  z.strictObject({ check: z.literal('stalled'), max: atMost, ...scope }).meta({ description: 'Flows broken silently / population.' }),
  z.strictObject({ check: z.literal('source-ip'), is: z.enum(['preserved', 'rewritten']), ...scope }).meta({
    description: 'Whether the responder saw the address that the prober sent from.',
  }),
  z.strictObject({ check: z.literal('path-availability'), min: percent, ...scope }).meta({
    description: 'ok / (ok + late + lost) on the worst path of the settled next-hop set.',
  }),
  z.strictObject({ check: z.literal('availability'), min: percent, ...scope }).meta({
    description: 'ok / (ok + late + lost) over all flows and the whole phase: what users felt.',
  }),
  z.strictObject({ check: z.literal('restored'), within: duration(), ...scope }).meta({
    description: 'From the last revert read back until the baseline next-hop set and a whole second of good fresh dials.',
  }),
  z.strictObject({ check: z.literal('interruption'), max: duration(), ...scope }).meta({
    description: 'p99 of the time from the last ok exchange to the next one, over interrupted flows.',
  }),
  z.strictObject({ check: z.literal('paths-covered'), ...scope }).meta({
    description: 'Every next hop of the settled set carried at least one flow.',
  }),
  z.strictObject({ check: z.literal('intent-matches-wire'), ...scope }).meta({
    description:
      'Once changes have settled, the paths that routers have and flows see are those that the cluster’s objects intend: none phantom, missing or zombie. Needs the observer cluster.',
  }),
  z.strictObject({ check: z.literal('fault-effective'), ...scope }).meta({
    description:
      'Every fault took its node out of the next-hop set or broke the flows that lay on it; one of a VIP broke flows or changed the set; a control did neither.',
  }),
]);
export type Expectation = z.output<typeof expectation>;
