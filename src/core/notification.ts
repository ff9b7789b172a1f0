// What goes out to a destination: one notification an alert and turn of it. The body of a webhook is exactly this form.
import { z } from 'zod';
import { finding, FINDING_KINDS, SEVERITIES } from './finding.ts';
import { VERDICTS } from './report-format.ts';

export const NOTIFICATION_SCHEMA = 1;

const runEnded = z.object({
  runId: z.string(),
  scenario: z.string(),
  environment: z.string(),
  verdict: z.enum(VERDICTS),
  summary: z.string(),
  startedMs: z.number(),
  endedMs: z.number(),
  /** What started it: `schedule nightly`, `hook deploys`, `token ops`. */
  trigger: z.string(),
});

const NOTIFICATION_TYPES = ['alert.opened', 'alert.changed', 'alert.resolved', 'run.ended', 'test'] as const;

/** What tells a notification apart. */
const told = {
  /** Stable: a second delivery of the same notification has the same id (Standard Webhooks `webhook-id`). */
  id: z.string(),
  type: z.enum(NOTIFICATION_TYPES),
  /** Unix ms. */
  atMs: z.number(),
  rule: z.string(),
  severity: z.enum(SEVERITIES),
  /** Names the alert over its whole life: its first and last notification share it. */
  alert: z.string(),
  /** What the alert opened with; it stays, whatever joins later. Null for runs and samples. */
  kind: z.enum(FINDING_KINDS).nullable(),
  sentence: z.string(),
  environment: z.string(),
  /** The one VIP that all its findings share, else null. */
  vip: z.string().nullable(),
  /** Unix ms of the alert's opening. */
  openedMs: z.number(),
};

/** A notification that storm control folded into another one. */
const heldNotification = z.object(told);

export const notification = z.object({
  schema: z.literal(NOTIFICATION_SCHEMA),
  ...told,
  /** Name of a maintenance period that covers it, else null. */
  maintenance: z.string().nullable(),
  /** Without windows: the API has them. */
  findings: z.array(finding.omit({ windows: true })),
  /** Findings of the alert that are not listed here, because a body stays small. */
  moreFindings: z.int(),
  run: runEnded.nullable(),
  /** How many further ones storm control held back into this one. */
  heldBack: z.int(),
  /** The last of these for each alert; at most 500, the API has them all. */
  held: z.array(heldNotification),
});
export type Notification = z.infer<typeof notification>;
export type HeldNotification = z.infer<typeof heldNotification>;
export type RunEnded = z.infer<typeof runEnded>;

/** Label by which Holdfast knows its own alerts when they come back through an Alertmanager's hook: those never start anything. */
export const OWN_ALERT_LABEL = { name: 'source', value: 'holdfast' } as const;
