// An API on real sockets over a real store; the parts behind it are small ones in memory that keep to the same contracts.
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { FastifyInstance } from 'fastify';
import { Agent } from 'undici';
import type { MonitorStatus } from '../../../src/core/api.ts';
import type { Environment } from '../../../src/core/environment.ts';
import { AppError } from '../../../src/core/errors.ts';
import { type MonitorSpec, type ServiceFile, serviceFile } from '../../../src/core/service-file.ts';
import { newSigningKeyPem, signingKey } from '../../../src/io/order-signature.ts';
import type { LinkTimes } from '../../../src/io/relay-link.ts';
import type { ApiParts } from '../../../src/service/api/api-parts.ts';
import { JoinedKeepers } from '../../../src/service/keepers/joined-keepers.ts';
import type { Catalogue, Runs, RunWish } from '../../../src/service/parts.ts';
import { type Announcements, openAnnouncements } from '../../../src/service/api/announcements.ts';
import { LIMITS, type Limits } from '../../../src/service/api/limits.ts';
import { listenOn } from '../../../src/service/api/listen-on.ts';
import { openApi } from '../../../src/service/api/open-api.ts';
import { createToken } from '../../../src/service/api/tokens.ts';
import { openStore, type Store } from '../../../src/service/store/open-store.ts';
import type { Role } from '../../../src/service/store/tables.ts';

/** The service's key. */
export const CONTROLLER = signingKey(newSigningKeyPem());
const WHOSE: Partial<Record<Role, { agent?: string; keeper?: string }>> = { agent: { agent: 'agent-v1' }, keeper: { keeper: 'rack-7' } };

export const NOW_MS = Date.parse('2026-11-22T12:00:00Z');

export type Question = { token?: string; cookie?: string; body?: unknown; headers?: Record<string, string>; text?: string | Uint8Array };
export type Answer = { status: number; headers: Record<string, string | string[] | undefined>; text: string; json: unknown };

export type AnApi = AsyncDisposable & {
  app: FastifyInstance;
  store: Store;
  clock: { now: number };
  announcements: Announcements;
  folder: string;
  socket: string;
  port: number;
  base: string;
  tokens: Record<Role, string>;
  /** What the parts were asked to do, in order. */
  acts: unknown[][];
  wishes: RunWish[];
  monitors: MonitorStatus[];
  log: string[];
  ask(method: string, path: string, question?: Question): Promise<Answer>;
};

export async function anApi(
  given: {
    file?: object;
    limits?: Partial<Limits>;
    catalogue?: Partial<Catalogue>;
    running?: string[];
    /** Names of keepers that may join; each keeps the environment of its name. */
    keepers?: string[];
    times?: LinkTimes;
  } = {},
): Promise<AnApi> {
  const folder = mkdtempSync(join(tmpdir(), 'hf-api-'));
  const store = await openStore(':memory:');
  const clock = { now: NOW_MS };
  const serviceClock = { nowMs: () => clock.now, monoMs: () => performance.now() };
  const log: string[] = [];
  const keepLog = (line: string) => void log.push(line);
  const announcements = openAnnouncements({ store, clock: serviceClock, log: keepLog });
  const limits = { ...LIMITS, ...given.limits };
  const acts: unknown[][] = [];
  const wishes: RunWish[] = [];
  const monitors: MonitorStatus[] = [];
  const joined = await JoinedKeepers.open({
    keepers: (given.keepers ?? []).map((name) => ({ name, environments: [name], socket: join(folder, `${name}.sock`) })),
    ...{ key: CONTROLLER, clock: serviceClock, announce: () => undefined, log: keepLog },
    ...(given.times ? { times: given.times } : {}),
  });
  const app = await openApi({
    ...{ store, clock: serviceClock, announcements, log: keepLog, limits, version: '0.0.0', machineBoot: 'boot-1' },
    file: serviceFile.parse({ environments: ['lab.yaml'], ...given.file }) satisfies ServiceFile,
    catalogue: {
      environments: new Map([['lab', { environment: anEnvironment(), file: 'lab.yaml' }]]),
      scenarios: someScenarios(),
      probes: new Map(),
      ...given.catalogue,
    },
    parts: { ...someParts({ store, acts, wishes, monitors, running: given.running ?? [] }), joined },
    uiFolder: join(folder, 'ui'),
    metrics: { contentType: 'text/plain; version=0.0.4', text: () => Promise.resolve('holdfast_up 1\n') },
  });
  const socket = join(folder, 'api.sock');
  const tcp = await listenOn(app, { host: '127.0.0.1', port: 0 }, limits);
  const unix = await listenOn(app, { path: socket }, limits);
  const tokenOf = async (role: Role) => (await createToken(store, { name: role, role, nowMs: NOW_MS, ...WHOSE[role] })).token;
  const dispatcher = new Agent({ keepAliveTimeout: 1_000 });
  const base = `http://127.0.0.1:${String(tcp.port)}`;
  return {
    ...{ app, store, clock, announcements, folder, socket, port: tcp.port, base, acts, wishes, monitors, log },
    tokens: {
      viewer: await tokenOf('viewer'),
      operator: await tokenOf('operator'),
      admin: await tokenOf('admin'),
      agent: await tokenOf('agent'),
      keeper: await tokenOf('keeper'),
    },
    ask: (method, path, question) => askAt(dispatcher, base, { method, path, ...question }),
    async [Symbol.asyncDispose]() {
      await dispatcher.destroy();
      await tcp[Symbol.asyncDispose]();
      await unix[Symbol.asyncDispose]();
      await joined[Symbol.asyncDispose]();
      await app.close();
      await announcements[Symbol.asyncDispose]();
      await store.destroy();
      rmSync(folder, { recursive: true });
    },
  };
}

async function askAt(
  dispatcher: Agent,
  base: string,
  { method, path, ...question }: Question & { method: string; path: string },
): Promise<Answer> {
  const { token, cookie, body, headers, text } = question;
  const url = new URL(base);
  const response = await dispatcher.request({
    ...{ origin: url.origin, path, method: method },
    headers: {
      ...(token === undefined ? {} : { authorization: `Bearer ${token}` }),
      ...(cookie === undefined ? {} : { cookie }),
      ...(body === undefined ? {} : { 'content-type': 'application/json' }),
      ...headers,
    },
    body: text ?? (body === undefined ? null : JSON.stringify(body)),
  });
  const type = String(response.headers['content-type'] ?? '');
  if (type.startsWith('text/event-stream')) {
    response.body.on('error', () => undefined).destroy(); // it would not end by itself
    return { status: response.statusCode, headers: response.headers, text: '', json: null };
  }
  const told = await response.body.text();
  return {
    status: response.statusCode,
    headers: response.headers,
    text: told,
    json: /^application\/(problem\+)?json/.test(type) && told !== '' ? JSON.parse(told) : null,
  };
}

export function anEnvironment(): Environment {
  return {
    ...{ name: 'lab', title: 'A lab', lab: null, routers: [], cluster: null, keeperSocket: null, observers: ['routes'] },
    vantages: [{ name: 'v1', addresses: [], netns: null }],
    vips: [{ name: 'web', address: '203.0.113.7', family: 4, port: 7000, policy: 'local', service: null }],
    nodes: [{ name: 'n1', addresses: ['10.0.0.1'], podCidrs: [], netns: null, uplink: null }],
  };
}

export function someScenarios(): Catalogue['scenarios'] {
  const scenario = (name: string, timeline: { at: number; fault: string; node: string; for: number }[]) => ({
    file: `scenarios/${name}.yaml`,
    sha256: '0'.repeat(64),
    scenario: {
      ...{ name, title: name, flows: [{ probe: 'tcp', vip: 'web', vantages: 'all' as const, count: 10 }], timeline, expect: [] },
      ...{ baseline: 5_000, recovery: 0, minFlows: 1 },
    },
  });
  return new Map([
    ['quiet', scenario('quiet', [])],
    ['drop', scenario('drop', [{ at: 0, fault: 'bgp-session-down', node: 'any', for: 1_000 }])],
  ]);
}

export async function aRun(
  store: Store,
  values: { id: string; folder?: string; state?: 'queued' | 'running' | 'ended'; dueMs?: number },
): Promise<void> {
  const { id, folder = null, state = 'ended', dueMs = NOW_MS } = values;
  await store
    .insertInto('runs')
    .values({
      ...{ id, scenario: 'quiet', environment: 'lab', seed: 1, trigger: 'token ops', overlap: 'wait', state, folder },
      ...{ due_ms: dueMs, created_ms: dueMs, started_ms: dueMs, ended_ms: state === 'ended' ? dueMs : null },
      ...{ verdict: state === 'ended' ? 'held' : null, summary: null, runner_pid: null, runner_start_ticks: null },
      ...{ cancel_requested: 0, figures: null, annotations: '[]', attempt: 1, comparison: null, is_told: 1 },
    })
    .execute();
}

type Memory = Pick<AnApi, 'store' | 'acts' | 'wishes' | 'monitors'> & { running: string[] };

function someParts(memory: Memory): Omit<ApiParts['parts'], 'joined'> {
  const { acts } = memory;
  const note = (...act: unknown[]) => {
    acts.push(act);
    return Promise.resolve();
  };
  return {
    runs: someRuns(memory),
    schedules: {
      put: (spec, origin) => note('schedules.put', spec, origin),
      putFile: () => Promise.resolve(),
      remove: (name) => note('schedules.remove', name),
      nextTickMs: () => NOW_MS + 1_000,
    },
    monitors: {
      put: (spec: MonitorSpec, origin) => note('monitors.put', spec, origin),
      remove: (name) => note('monitors.remove', name),
      pause: (name, isPaused) => note('monitors.pause', name, isPaused),
      addAgent: async ({ name, environment, vantage }) => {
        await memory.store
          .insertInto('agents')
          .values({ name, environment, vantage, serial: 0, last_seen_ms: null, state: null })
          .execute();
      },
      removeAgent: async (name) => {
        await memory.store.deleteFrom('agents').where('name', '=', name).execute();
      },
      controllerKey: CONTROLLER.publicPem,
      takeChunk: async (agent, chunk) => {
        await note('takeChunk', agent, chunk);
        return { nextSeq: chunk.firstSeq + chunk.events.length, isObsolete: false };
      },
      agentNames: () => [],
      takeState: async (agent) => {
        await note('takeState', agent);
        return { serial: 7 };
      },
      status: () => memory.monitors,
      problems: () => [],
    },
    alerts: {
      onFinding: () => Promise.resolve(),
      onRunEnded: () => Promise.resolve(),
      test: (destination) => Promise.resolve(`test:${destination}`),
      resend: (id) => note('resend', id),
      putPeriod: (spec, origin) => note('putPeriod', spec, origin),
      removePeriod: (name) => note('removePeriod', name),
    },
    queues: {
      canaryAges: () => [{ queue: 'holdfast-agent-agent-v1', ageMs: 1_200 }],
      depths: () => Promise.resolve([]),
      isRedisUp: () => true,
    },
  };
}

function someRuns({ store, acts, wishes, running }: Memory): Runs {
  return {
    request: async (wish) => {
      wishes.push(wish);
      const there = await store.selectFrom('runs').select('state').where('id', '=', wish.id).executeTakeFirst();
      if (there) return { id: wish.id, isNew: false, state: there.state };
      await aRun(store, { id: wish.id, state: 'queued', dueMs: wish.dueMs });
      await store
        .updateTable('runs')
        .set({ scenario: wish.scenario, environment: wish.environment, seed: wish.seed, trigger: wish.trigger })
        .where('id', '=', wish.id)
        .execute();
      return { id: wish.id, isNew: true, state: 'queued' };
    },
    cancel: async (id, by) => {
      const there = await store.selectFrom('runs').select('id').where('id', '=', id).executeTakeFirst();
      if (!there) throw new AppError('UNKNOWN_NAME', 'there is no such run');
      acts.push(['cancel', id, by]);
    },
    plan: (scenario, environment, seed) => Promise.resolve(`${scenario} in ${environment}, seed ${String(seed)}\n`),
    annotate: (environment, text) => {
      acts.push(['annotate', environment, text]);
      return Promise.resolve(running);
    },
    stopStarting: () => Promise.resolve(),
  };
}
