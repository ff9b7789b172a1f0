// What an Alertmanager posts to a webhook receiver: payload version 4 (Prometheus documentation, "webhook_config").
import { createHash } from 'node:crypto';
import { z } from 'zod';
import { OWN_ALERT_LABEL } from '../../core/notification.ts';
import { plainText } from '../../report/plain-text.ts';

const labels = z.record(z.string(), z.string());

const alert = z.object({
  status: z.enum(['firing', 'resolved']),
  labels,
  startsAt: z.string().max(64),
  fingerprint: z.string().max(64),
});
export type FiredAlert = z.infer<typeof alert>;

/** Keys that later versions add are no mistake. */
export const alertmanagerPayload = z.object({
  version: z.literal('4', { error: 'expected 4, the version of the payload that this hook understands' }),
  groupKey: z.string().max(20_000),
  alerts: z.array(alert).max(2_000),
});
export type AlertmanagerPayload = z.infer<typeof alertmanagerPayload>;

/** Names one turn of one alert: Alertmanager repeats itself, and what was taken once is not taken again. */
export function alertKey(groupKey: string, { fingerprint, startsAt, status }: FiredAlert): string {
  return createHash('sha256')
    .update(JSON.stringify([groupKey, fingerprint, startsAt, status]))
    .digest('hex');
}

/** Whether we sent it ourselves: such an alert never starts anything, or a verdict could start the run that repeats it, for ever. */
export function isOwnAlert({ labels }: FiredAlert): boolean {
  return labels[OWN_ALERT_LABEL.name] === OWN_ALERT_LABEL.value;
}

/** `alert TargetDown (instance a:9100) fired`, for people; short whatever the labels hold. */
export function alertText({ labels, status }: FiredAlert): string {
  const { alertname = 'without a name', instance } = labels;
  return `alert ${shortened(alertname)}${instance === undefined ? '' : ` (instance ${shortened(instance)})`} ${status === 'firing' ? 'fired' : 'resolved'}`;
}

function shortened(text: string): string {
  const plain = plainText(text);
  return plain.length > 80 ? `${plain.slice(0, 79)}…` : plain;
}
