// The page's first look, in one answer.
import { type Overview, overview } from '../../../core/api.ts';
import { type Finding, SEVERITIES } from '../../../core/finding.ts';
import type { ApiParts, App } from '../api-parts.ts';
import { findingOf, runOf } from '../resources.ts';

const MOST_FINDINGS = 100;
const MOST_RUNS = 50;
/** A canary goes through every queue each 10 s. */
const OLD_CANARY_MS = 30_000;

export function overviewRoutes(app: App, api: ApiParts): void {
  app.get(
    '/overview',
    {
      config: { permission: 'viewer' },
      schema: {
        tags: ['overview'],
        summary: 'What matters now: monitors, open findings, running runs, health',
        response: { 200: overview },
      },
    },
    () => overviewOf(api),
  );
}

async function overviewOf(api: ApiParts): Promise<Overview> {
  const { store, parts, file, version } = api;
  const findings = await store
    .selectFrom('findings')
    .select('json')
    .where('state', '=', 'open')
    .orderBy('opened_ms', 'desc')
    .orderBy('id', 'desc')
    .limit(MOST_FINDINGS)
    .execute();
  const runs = await store
    .selectFrom('runs')
    .selectAll()
    .where('state', 'in', ['running', 'queued'])
    .orderBy('due_ms', 'desc')
    .orderBy('id', 'desc')
    .limit(MOST_RUNS)
    .execute();
  const monitors = parts.monitors.status();
  const weight = ({ severity }: Finding) => SEVERITIES.indexOf(severity);
  // A stable sort: of the same weight the newest stays first.
  const openFindings = findings.map((row) => findingOf(row, false)).sort((a, b) => weight(b) - weight(a));
  return {
    ...{ title: file.title, version, monitors, openFindings },
    sentence: sentenceOf(monitors, openFindings),
    running: runs.map(runOf),
    health: await healthOf(api),
  };
}

/** How the service itself is; readiness tells it too. */
export async function healthOf({ store, parts, clock }: ApiParts): Promise<Overview['health']> {
  const rows = await store
    .selectFrom('deliveries')
    .select(({ fn }) => ['state', fn.countAll().as('count'), fn.min('created_ms').as('oldest')])
    .where('state', 'in', ['pending', 'dead'])
    .groupBy('state')
    .execute();
  const of = (state: 'pending' | 'dead') => rows.find((row) => row.state === state);
  const outboxDead = Number(of('dead')?.count ?? 0);
  const oldest = of('pending')?.oldest ?? null;
  const ages = parts.queues.canaryAges();
  const known = ages.flatMap(({ ageMs }) => ageMs ?? []);
  const late = ages.filter(({ ageMs }) => ageMs !== null && ageMs > OLD_CANARY_MS);
  return {
    canaryAgeMs: known.length === 0 ? null : Math.max(...known),
    ...{ outboxPending: Number(of('pending')?.count ?? 0), outboxDead, outboxOldestMs: oldest },
    problems: [
      ...(parts.queues.isRedisUp() ? [] : ['Redis does not answer: schedules and orders to agents wait for it.']),
      ...late.map(({ queue, ageMs }) => `Nothing has come through the queue ${queue} for ${seconds(ageMs ?? 0)}.`),
      ...(outboxDead === 0 ? [] : [`${counted(outboxDead, 'delivery was', 'deliveries were')} given up: the deliveries tell why.`]),
      ...(oldest !== null && clock.nowMs() - oldest > OLD_CANARY_MS * 10
        ? [`A notification has waited for ${seconds(clock.nowMs() - oldest)}.`]
        : []),
      ...parts.monitors.problems(),
      ...parts.joined.problems,
    ],
  };
}

function sentenceOf(monitors: Overview['monitors'], findings: Overview['openFindings']): string {
  const [first] = findings;
  if (first) return findings.length === 1 ? first.sentence : `${String(findings.length)} findings are open, the gravest: ${first.sentence}`;
  if (monitors.length === 0) return 'Nothing is monitored.';
  // Silence of a monitor that sees nothing is no good news.
  const blind = monitors.filter(({ vantages, isPaused }) => !isPaused && !vantages.some(({ state }) => state === 'holding'));
  if (blind.length > 0) return `${counted(blind.length, 'monitor sees', 'monitors see')} nothing at the moment.`;
  const paused = monitors.filter(({ isPaused }) => isPaused).length;
  const quiet = `Nothing is wrong that ${counted(monitors.length - paused, 'monitor', 'monitors')} could see`;
  return paused === 0 ? `${quiet}.` : `${quiet}; ${counted(paused, 'is', 'are')} paused.`;
}

function counted(count: number, one: string, many: string): string {
  return `${String(count)} ${count === 1 ? one : many}`;
}

function seconds(ms: number): string {
  return `${(ms / 1_000).toFixed(0)} s`;
}
