// A service put together: each part opened after those that it needs, and closed before them.
//
//   folder -> store -> Redis -> lab -> queues, alerts, runs, monitors, metrics -> API -> doors -> own agents
import { createHash } from 'node:crypto';
import { chmodSync, existsSync, mkdirSync, readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { setTimeout as sleep } from 'node:timers/promises';
import { ExitCode, messageOf } from '../core/errors.ts';
import { monoMs } from '../io/clock.ts';
import { writeWholeFile } from '../io/whole-file.ts';
import { openAlerts } from '../service/alerts/open-alerts.ts';
import { readPeriods } from '../service/alerts/period-rows.ts';
import { openAnnouncements } from '../service/api/announcements.ts';
import { listenOn } from '../service/api/listen-on.ts';
import { openApi } from '../service/api/open-api.ts';
import { createToken, identityOfToken } from '../service/api/tokens.ts';
import { openMetrics } from '../service/metrics/open-metrics.ts';
import { openMonitors } from '../service/monitors/open-monitors.ts';
import { askKeepers } from '../service/keepers/ask-keepers.ts';
import { JoinedKeepers } from '../service/keepers/joined-keepers.ts';
import { openOrderKey } from '../service/monitors/order-key.ts';
import type { Runs, ServiceClock } from '../service/parts.ts';
import { openQueues } from '../service/queue/open-queues.ts';
import { startPrivateRedis } from '../service/queue/private-redis.ts';
import { openRedisDoor } from '../service/queue/redis-door.ts';
import type { RedisPlace } from '../service/queue/redis-place.ts';
import { openRuns } from '../service/runs/open-runs.ts';
import { openStore, type Store } from '../service/store/open-store.ts';
import { resolveSecret } from './resolve-secret.ts';
import { AgentSupervisor, endUnplannedAgents } from './serve-agents.ts';
import { agentFileText } from './serve-agent-file.ts';
import { claimServiceFolder, type ServiceFolder } from './serve-folder.ts';
import { bringUpLab, takeDownLab } from './serve-lab.ts';
import type { PlannedAgent, ServiceSetup } from './serve-setup.ts';
import { selfArgv } from './self.ts';
import { programVersion } from './version.ts';

/** Of `holdfast serve`. */
export type ServeFlags = {
  config?: string;
  state: string;
  host?: string;
  port?: number;
  prefix: string;
  newAdminToken?: true;
  dryRun?: true;
};

type Log = (line: string) => void;

/** A run on the lab reverts and reports before the lab goes: longer than it takes to kill a stuck one, with lease and quarantine. */
const RUNS_END_MS = 180_000;

const clock: ServiceClock = { nowMs: () => Date.now(), monoMs };

/**
 * Runs the service until `signal` aborts, then ends everything in order.
 * @returns the exit code: 0, or 4 when a part of it stuck and a supervisor should start it again
 * @throws AppError whatever kept it from starting; what was opened until then is closed
 */
export async function runService(setup: ServiceSetup, flags: ServeFlags, signal: AbortSignal): Promise<number> {
  const log: Log = (line) => process.stderr.write(`${new Date().toISOString()} ${line}\n`);
  const stuck = new AbortController();
  await using service = new AsyncDisposableStack();
  const folder = service.use(claimServiceFolder(flags.state));
  const store = await openStore(folder.in('store.sqlite'));
  service.defer(() => store.destroy());
  chmodSync(folder.in('store.sqlite'), 0o600);
  const redis = await openRedis(setup, { folder, log, signal, opened: service });
  const isOwnLab = await openLab(setup, { folder, log, signal, opened: service });
  const announcements = service.use(openAnnouncements({ store, clock, log }));
  const { announce } = announcements;
  const { file, catalogue } = setup;

  const joined = service.use(await JoinedKeepers.open({ keepers: setup.keepers, key: openOrderKey(folder.path), clock, announce, log }));
  const alerts = service.use(await openAlerts({ store, file, catalogue, clock, announce, log }));
  // Of monitors, which are opened after the queues that carry their orders.
  let agentNames: () => readonly string[] = () => [];
  const queues = service.use(
    await openQueues({
      redis,
      agents: () => agentNames(),
      clock,
      log,
      onWorkerStuck: (why) => {
        log(`${why}; ending, so that a supervisor can start the service again`);
        stuck.abort();
      },
    }),
  );
  const program = selfArgv();
  const { retention } = file;
  const { runs, schedules } = service.use(
    await openRuns({
      ...{ store, catalogue, queues, clock, announce, program, retention, log },
      folder: folder.in('runs'),
      labPrefix: flags.prefix,
      periods: () => readPeriods(store),
      onRunEnded: (run) => alerts.onRunEnded(run),
    }),
  );
  const metrics = await openMetrics({
    ...{ store, clock },
    monitors: () => monitors.status(),
    queues: () => queues,
    keepers: () => askKeepers(catalogue, joined),
    segments: folder.in('segments'),
    version: programVersion(),
  });
  const monitors = service.use(
    await openMonitors({
      ...{ store, catalogue, clock, announce, program, retention, log },
      monitors: file.monitors,
      folder: folder.path,
      labPrefix: flags.prefix,
      sendOrder: (agent, order) => queues.sendOrder(agent, order),
      onFinding: (finding) => alerts.onFinding(finding),
      onEvents: metrics.onEvents,
    }),
  );
  agentNames = () => monitors.agentNames();
  await schedules.putFile(file.schedules);
  const api = await openApi({
    ...{ store, file, catalogue, announcements, clock, log, metrics },
    parts: { runs, schedules, monitors, alerts, queues, joined },
    uiFolder: fileURLToPath(new URL('../../dist/ui', import.meta.url)),
    version: programVersion(),
  });
  service.defer(() => api.close());
  service.use(await listenOn(api, { path: folder.in('api.sock') }));
  const listen = { host: flags.host ?? file.listen.host, port: flags.port ?? file.listen.port };
  const door = service.use(await listenOn(api, { ...listen, ...(file.tls && { tls: file.tls }) }));
  const unplanned = await endUnplannedAgents(
    folder.in('agents'),
    setup.localAgents.map(({ name }) => name),
  );
  if (unplanned.length > 0) log(`agents of an earlier start that are no longer wanted were ended: ${unplanned.join(', ')}`);
  const isAnyInLab = setup.localAgents.some(({ isInLab }) => isInLab);
  const redisDoor = isAnyInLab && 'url' in redis ? service.use(await openRedisDoor(redis.url, folder.in('redis-door.sock'))) : null;
  const redisPlaceOf = ({ isInLab }: PlannedAgent) =>
    'path' in redis ? `unix:${redis.path}` : isInLab && redisDoor ? redisDoor.place : redis.url;
  for (const agent of setup.localAgents) {
    await monitors.addAgent({ name: agent.name, environment: agent.environment.name, vantage: agent.vantage });
    service.use(await startAgent(agent, { store, folder, redisPlace: redisPlaceOf(agent), prefix: flags.prefix, log }));
  }
  await tellWhere(setup, { store, host: listen.host, port: door.port, wantsToken: flags.newAdminToken ?? false });
  await untilAborted(AbortSignal.any([signal, stuck.signal]));
  if (isOwnLab) await endRunsOnLab(setup, { store, runs, log });
  return stuck.signal.aborted ? ExitCode.refused : ExitCode.held;
}

type Opening = { folder: ServiceFolder; log: Log; signal: AbortSignal; opened: AsyncDisposableStack };

async function openRedis({ file }: ServiceSetup, { folder, log, signal, opened }: Opening): Promise<RedisPlace> {
  if (file.redis !== undefined) return { url: file.redis };
  return opened.use(await startPrivateRedis({ folder: folder.path, log, signal })).place;
}

/** @returns whether the lab is this service's own, to be taken down with it */
async function openLab({ lab }: ServiceSetup, { folder, log, signal, opened }: Opening): Promise<boolean> {
  if (lab === null) return false;
  const options = { ...lab, markFile: folder.in('lab-built'), log, signal };
  const isOwn = await bringUpLab(options);
  if (isOwn) opened.defer(() => takeDownLab(options));
  return isOwn;
}

/** `redisPlace`: as an agent file says it. */
type AgentTools = { store: Store; folder: ServiceFolder; redisPlace: string; prefix: string; log: Log };

async function startAgent(agent: PlannedAgent, tools: AgentTools): Promise<AgentSupervisor> {
  const { store, folder, redisPlace, prefix, log } = tools;
  const inFolder = (file: string) => folder.in('agents', agent.name, file);
  mkdirSync(inFolder('.'), { recursive: true, mode: 0o700 });
  let token = existsSync(inFolder('token')) ? readFileSync(inFolder('token'), 'utf8').trim() : '';
  if ((await identityOfToken(store, clock, token))?.agent !== agent.name) {
    token = (await createToken(store, { name: `agent ${agent.name}`, role: 'agent', agent: agent.name, nowMs: clock.nowMs() })).token;
    writeWholeFile(inFolder('token'), `${token}\n`, 0o600);
  }
  // By reference: it may hold a password.
  writeWholeFile(inFolder('redis'), `${redisPlace}\n`, 0o600);
  const file = agentFileText(agent.environment, {
    agent: agent.name,
    apiSocket: folder.in('api.sock'),
    key: agent.key,
    redis: '${file:redis}',
  });
  const key = resolveSecret(agent.key, { file: inFolder('agent.yaml'), variables: process.env });
  const digest = createHash('sha256')
    .update(JSON.stringify([file, token, redisPlace, key, programVersion()]))
    .digest('hex');
  const argv = (path: string) => {
    const command = selfArgv('agent', '--file', path);
    return agent.isInLab ? selfArgv('lab', 'exec', '--prefix', prefix, agent.vantage, '--', ...command) : command;
  };
  return new AgentSupervisor({ name: agent.name, folder: folder.in('agents', agent.name), file, digest, argv }, log);
}

async function tellWhere(
  { file, localAgents }: ServiceSetup,
  about: { store: Store; host: string; port: number; wantsToken: boolean },
): Promise<void> {
  const { store, host, port, wantsToken } = about;
  const admin = await store
    .selectFrom('tokens')
    .select('id')
    .where('role', '=', 'admin')
    .where('revoked_ms', 'is', null)
    .executeTakeFirst();
  const name = host.includes(':') ? `[${host}]` : host;
  const lines = [`Holdfast is at ${file.tls ? 'https' : 'http'}://${name}:${String(port)}/`];
  if (admin === undefined || wantsToken) {
    const { token } = await createToken(store, { name: 'admin', role: 'admin', nowMs: clock.nowMs() });
    lines.push(`  admin token, shown this once: ${token}`);
  } else lines.push('  log in with the admin token of the first start; --new-admin-token makes another');
  const vantages = localAgents.map(({ vantage }) => vantage).join(', ');
  lines.push(...file.monitors.map((monitor) => `  monitor ${monitor.name}: flows are being opened from ${vantages || 'its agents'}`));
  process.stdout.write(`${lines.join('\n')}\n`);
}

/** A lab that goes takes its runs along: none begins any more, and those that are under way revert and report before it does. */
async function endRunsOnLab({ lab }: ServiceSetup, { store, runs, log }: { store: Store; runs: Runs; log: Log }): Promise<void> {
  await runs.stopStarting();
  const query = store
    .selectFrom('runs')
    .select('id')
    .where('environment', '=', lab?.plan.environment.name ?? '')
    .where('state', 'in', ['queued', 'running']);
  const cancelled = new Set<string>();
  const giveUpMs = monoMs() + RUNS_END_MS;
  for (;;) {
    const left = await query.execute();
    if (left.length === 0 || monoMs() > giveUpMs) return;
    for (const { id } of left.filter((each) => !cancelled.has(each.id))) {
      cancelled.add(id);
      log(`run ${id} is cancelled: its lab goes`);
      await runs.cancel(id, 'the end of the service').catch((error: unknown) => {
        log(`run ${id}: ${messageOf(error)}`);
      });
    }
    await sleep(200);
  }
}

async function untilAborted(signal: AbortSignal): Promise<void> {
  if (signal.aborted) return;
  const { promise, resolve } = Promise.withResolvers<undefined>();
  signal.addEventListener(
    'abort',
    () => {
      resolve(undefined);
    },
    { once: true },
  );
  await promise;
}
