// Alertmanager's API, version 2: each alert is told while it is open, again and again, and once more when it is over.
import { type HeldNotification, type Notification, OWN_ALERT_LABEL } from '../../core/notification.ts';
import type { NotifierOf, NotifierTools, SpecOf } from './notifier.ts';

/** One alert as POST /api/v2/alerts takes it. */
type PostedAlert = {
  labels: Record<string, string>;
  annotations: Record<string, string>;
  startsAt: string;
  endsAt: string;
  generatorURL?: string;
};

const REFRESH_MS = 60_000;
/** Told as firing for this long at a time, as Prometheus does: an Alertmanager that hears no more of us lets it go. */
const FIRING_FOR_MS = 4 * REFRESH_MS;
/** A verdict has no end; it is an alert for this long. */
const VERDICT_FOR_MS = 10 * 60_000;
const TEST_FOR_MS = 60_000;
const ALERTS_A_POST = 200;
const MAX_LABEL_CHARACTERS = 128;
const MAX_ANNOTATION_CHARACTERS = 2_000;

export const alertmanager: NotifierOf<SpecOf<'alertmanager'>> = {
  kind: 'alertmanager',
  open(spec, tools) {
    const url = `${spec.url.replace(/\/+$/, '')}/api/v2/alerts`;
    const headers = {
      'content-type': 'application/json',
      'user-agent': 'holdfast',
      ...(spec.token === undefined ? {} : { authorization: `Bearer ${spec.token}` }),
    };
    const post = async (alerts: readonly PostedAlert[], signal: AbortSignal) => {
      for (let from = 0; from < alerts.length; from += ALERTS_A_POST) {
        const body = JSON.stringify(alerts.slice(from, from + ALERTS_A_POST));
        const outcome = await tools.post(url, { headers, body }, signal);
        if (outcome.kind !== 'delivered') return outcome;
      }
      return { kind: 'delivered' } as const;
    };
    return {
      send: (notification, signal) => post(postedAlerts(notification, tools), signal),
      refresh: {
        everyMs: REFRESH_MS,
        send: (alerts, signal) =>
          post(
            alerts.flatMap((each) => postedAlerts(each, tools)),
            signal,
          ),
      },
    };
  },
};

/** A notification is one alert, and one for each that storm control folded into it. */
function postedAlerts(notification: Notification, tools: NotifierTools): PostedAlert[] {
  const details = [
    ...(notification.run ? [notification.run.summary, `run ${notification.run.runId}, started by ${notification.run.trigger}`] : []),
    ...notification.findings.flatMap((each) => [each.sentence, ...each.details]),
    ...(notification.moreFindings > 0 ? [`and ${String(notification.moreFindings)} more findings`] : []),
  ];
  const annotations = {
    description: cut([...new Set(details)].join('\n'), MAX_ANNOTATION_CHARACTERS),
    ...(notification.maintenance === null ? {} : { maintenance: cut(notification.maintenance, MAX_LABEL_CHARACTERS) }),
  };
  const [own, ...held] = [notification, ...notification.held].map((each) => postedAlert(each, tools));
  return own ? [{ ...own, annotations: { ...own.annotations, ...annotations } }, ...held] : held;
}

function postedAlert(told: HeldNotification, { nowMs, publicUrl }: NotifierTools): PostedAlert {
  // The same alert has the same labels over all its life: they are its identity.
  const labels = {
    alertname: `Holdfast${told.kind === null ? inPascalCase(told.type) : inPascalCase(told.kind)}`,
    environment: told.environment,
    vip: told.vip ?? '',
    rule: told.rule,
    severity: told.severity,
    alert: told.alert,
    [OWN_ALERT_LABEL.name]: OWN_ALERT_LABEL.value,
  };
  const startMs = Math.min(told.openedMs, told.atMs);
  const endMs = told.type === 'alert.resolved' ? told.atMs : nowMs() + firingForMs(told.type);
  return {
    // An empty label is none.
    labels: Object.fromEntries(
      Object.entries(labels).flatMap(([name, value]) => (value === '' ? [] : [[name, cut(value, MAX_LABEL_CHARACTERS)]])),
    ),
    annotations: { summary: cut(told.sentence, MAX_ANNOTATION_CHARACTERS) },
    startsAt: new Date(startMs).toISOString(),
    endsAt: new Date(Math.max(endMs, startMs)).toISOString(),
    ...(publicUrl === null ? {} : { generatorURL: `${publicUrl}/?alert=${encodeURIComponent(told.alert)}` }),
  };
}

function firingForMs(type: Exclude<HeldNotification['type'], 'alert.resolved'>): number {
  switch (type) {
    case 'alert.opened':
    case 'alert.changed':
      return FIRING_FOR_MS;
    case 'run.ended':
      return VERDICT_FOR_MS;
    case 'test':
      return TEST_FOR_MS;
  }
}

/** `vip-down` -> `VipDown`, `run.ended` -> `RunEnded` */
function inPascalCase(words: string): string {
  return words
    .split(/[-.]/)
    .map((word) => word.charAt(0).toUpperCase() + word.slice(1))
    .join('');
}

function cut(text: string, max: number): string {
  // Line feeds stay: a description has lines.
  const clean = text.toWellFormed().replace(/[^\P{Cc}\n]/gu, ' ');
  return clean.length <= max ? clean : `${clean.slice(0, max - 1).toWellFormed()}…`;
}
