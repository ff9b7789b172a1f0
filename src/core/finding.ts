// A finding: something that a monitor saw happen, from its first sign to its end. People, alerts, the API and the page all read this form.
import { z } from 'zod';
import type { WindowReport } from './report-format.ts';

export const FINDING_KINDS = [
  /** A next hop left the set, or joined it: with the window of the change and, once it is back, the window of the return. */
  'next-hops-changed',
  /** Flows broke in numbers while the set stayed as it was. */
  'break-burst',
  /** The responders see another source address than the prober's where the policy promises to keep it. */
  'source-ip-lost',
  /** A path of the set does not answer, while others do. */
  'path-dead',
  /** No path of a VIP answers. */
  'vip-down',
  /** A node's path is there and the cluster does not intend it, or it is intended and not there: phantom, missing or zombie. */
  'path-not-as-intended',
  'bgp-session-down',
  /** A prober was ill for several bins in a row, or its agent has not been heard of. Never blamed on a VIP. */
  'agent-ill',
  'agent-silent',
] as const;
export type FindingKind = (typeof FINDING_KINDS)[number];

export const SEVERITIES = ['info', 'warn', 'page'] as const;
export type Severity = (typeof SEVERITIES)[number];

export const finding = z.object({
  /** Deterministic: the same journal read again gives the same id, so a restart makes no second one. */
  id: z.string(),
  monitor: z.string(),
  environment: z.string(),
  vip: z.string().nullable(),
  kind: z.enum(FINDING_KINDS),
  /** What it is about: a node, a peer, a vantage; the VIP itself when nothing narrower. */
  subject: z.string(),
  state: z.enum(['open', 'resolved']),
  /** True while its window is open: the figures still grow. */
  isProvisional: z.boolean(),
  severity: z.enum(SEVERITIES),
  /** One sentence that a tired person understands. */
  sentence: z.string(),
  details: z.array(z.string()),
  /** Vantages that saw it. */
  vantages: z.array(z.string()),
  /** Flows that broke in its windows, by cause. */
  brokenByCause: z.record(z.string(), z.int()),
  /** Unix ms. */
  openedMs: z.number(),
  updatedMs: z.number(),
  resolvedMs: z.number().nullable(),
  /** The windows with their ledgers: of the change and, of a set that came back, of the return. */
  windows: z.array(z.custom<WindowReport>((value) => typeof value === 'object' && value !== null)),
});
export type Finding = z.infer<typeof finding>;
