// A service in memory for the page's tests: serves dist/ui under the page's policy and answers the API in its own forms.
import { readFile } from 'node:fs/promises';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { extname, join } from 'node:path';
import { z } from 'zod';
import {
  alertResource,
  changeEvent,
  deliveryResource,
  destinationResource,
  environmentResource,
  keeperResource,
  listOf,
  me,
  overview,
  periodResource,
  problem,
  runPlan,
  runRequest,
  runResource,
  scenarioResource,
  sessionRequest,
} from '../../src/core/api.ts';
import { finding } from '../../src/core/finding.ts';
import { periodSpec, scheduleSpec } from '../../src/core/service-file.ts';
import type { World } from './a-world.ts';

/** Of the service, letter by letter (src/service/api/answer-headers.ts). */
const POLICY =
  "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; font-src 'none'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'";
const TYPES: Readonly<Record<string, string>> = {
  '.html': 'text/html',
  '.js': 'text/javascript',
  '.css': 'text/css',
  '.svg': 'image/svg+xml',
};

/** A schedule as it is answered: durations in ms, which its spec takes as text. */
const scheduleAnswer = z.object({
  spec: z.object({ ...scheduleSpec.shape, every: z.number().optional(), jitter: z.number() }),
  origin: z.enum(['file', 'api']),
  lastTickMs: z.number().nullable(),
  nextTickMs: z.number().nullable(),
  lastRun: runResource.nullable(),
});

export type PageServer = AsyncDisposable & {
  url: string;
  world: World;
  /** What the page changed: `POST /runs` and its body. */
  acts: { act: string; body: unknown }[];
  announce: (topic: string, subject: string) => void;
  /** No longer answers and drops every connection. */
  goAway: () => Promise<void>;
  comeBack: () => Promise<void>;
};

/**
 * Tokens are `viewer`, `operator` and `admin`: each opens a session of that role.
 * @param folder where the page was built
 */
export async function servePage(world: World, folder: string): Promise<PageServer> {
  const streams = new Set<ServerResponse>();
  const acts: PageServer['acts'] = [];
  const server = createServer((request, response) => {
    void answer(request, { world, acts, streams, response, folder }).catch((error: unknown) => {
      // An answer that is not of its form: the test must fail, not the page alone.
      process.stderr.write(`${request.method ?? ''} ${request.url ?? ''}: ${String(error)}\n`);
      response.writeHead(500).end('{}');
    });
  });
  const listen = async (port: number) => {
    await new Promise<void>((resolve) => server.listen(port, '127.0.0.1', resolve));
  };
  const close = async () => {
    const closed = new Promise<void>((resolve) => {
      server.close(() => {
        resolve();
      });
    });
    server.closeAllConnections();
    streams.clear();
    await closed;
  };
  await listen(0);
  const { port } = server.address() as AddressInfo;
  let id = 0;
  return {
    url: `http://127.0.0.1:${String(port)}`,
    world,
    acts,
    announce: (topic, subject) => {
      const data = JSON.stringify(changeEvent.parse({ topic, subject, atMs: Date.now() }));
      for (const stream of streams) stream.write(`id: ${String(++id)}\nevent: change\ndata: ${data}\n\n`);
    },
    goAway: close,
    comeBack: () => listen(port),
    [Symbol.asyncDispose]: close,
  };
}

type Asked = { world: World; acts: PageServer['acts']; streams: Set<ServerResponse>; response: ServerResponse; folder: string };

async function answer(request: IncomingMessage, asked: Asked): Promise<void> {
  const { response } = asked;
  response.setHeader('content-security-policy', POLICY);
  response.setHeader('x-content-type-options', 'nosniff');
  const url = new URL(request.url ?? '/', 'http://page');
  if (url.pathname.startsWith('/api/v1/')) await answerApi(request, url, asked);
  else await answerFile(join(asked.folder, url.pathname === '/' ? 'index.html' : url.pathname), response);
}

async function answerFile(path: string, response: ServerResponse): Promise<void> {
  const content = await readFile(path).catch(() => null);
  if (content === null) return void response.writeHead(404).end();
  response.writeHead(200, { 'content-type': TYPES[extname(path)] ?? 'application/octet-stream' }).end(content);
}

type Role = 'viewer' | 'operator' | 'admin';

async function answerApi(request: IncomingMessage, url: URL, asked: Asked): Promise<void> {
  const { response, world } = asked;
  const path = url.pathname.slice('/api/v1'.length);
  const method = request.method ?? 'GET';
  const body = method === 'GET' ? null : await bodyOf(request);
  const role = roleOf(request);
  if (method === 'POST' && path === '/session') {
    const token = sessionRequest.parse(body).token as Role;
    if (!['viewer', 'operator', 'admin'].includes(token)) {
      refuse(response, { status: 401, code: 'UNAUTHENTICATED', detail: 'the token is not valid', remedy: 'ask an admin for another' });
      return;
    }
    response.writeHead(204, { 'set-cookie': `holdfast=${token}; Path=/; HttpOnly; SameSite=Strict` }).end();
    return;
  }
  if (role === null || world.areSessionsOver) {
    refuse(response, { status: 401, code: 'UNAUTHENTICATED', detail: 'this needs a token' });
    return;
  }
  if (path === '/events') {
    response.writeHead(200, { 'content-type': 'text/event-stream' }).write(': welcome\n\n');
    asked.streams.add(response);
    response.once('close', () => asked.streams.delete(response));
    return;
  }
  if (method === 'GET') {
    read(path, url.searchParams, { world, role, response });
    return;
  }
  if (request.headers['x-csrf-token'] !== `csrf-of-${role}`) {
    refuse(response, { status: 403, code: 'FORBIDDEN', detail: 'the header x-csrf-token is missing or wrong' });
    return;
  }
  if (method === 'DELETE' && path === '/session') {
    response.writeHead(204, { 'set-cookie': 'holdfast=; Path=/; Max-Age=0' }).end();
    return;
  }
  if (role === 'viewer') {
    refuse(response, { status: 403, code: 'FORBIDDEN', detail: 'the role viewer may not do this; it needs operator' });
    return;
  }
  asked.acts.push({ act: `${method} ${path}`, body });
  change(method, path, body, asked);
}

function read(
  path: string,
  query: URLSearchParams,
  { world, role, response }: { world: World; role: Role; response: ServerResponse },
): void {
  const [, collection = '', id] = path.split('/').map(decodeURIComponent);
  const list = (form: z.ZodType, items: readonly unknown[]) => {
    const from = Number(query.get('cursor') ?? 0);
    const next = from + world.pageLength < items.length ? String(from + world.pageLength) : null;
    send(response, listOf(form), { items: items.slice(from, from + world.pageLength), next });
  };
  const fits = (field: string, value: string) => query.get(field) === null || query.get(field) === value;
  const one = (form: z.ZodType, found: unknown) => {
    if (found === undefined) refuse(response, { status: 404, code: 'UNKNOWN_NAME', detail: `there is no such ${collection}` });
    else send(response, form, found);
  };
  switch (collection) {
    case 'me':
      send(response, me, { name: world.caller, role, csrf: `csrf-of-${role}` });
      return;
    case 'overview':
      send(response, overview, world.overview(Date.now()));
      return;
    case 'findings': {
      const all = world.findings;
      if (id !== undefined)
        one(
          finding,
          all.find((each) => each.id === id),
        );
      else {
        const fitting = all.filter(({ state, monitor, kind }) => fits('state', state) && fits('monitor', monitor) && fits('kind', kind));
        list(
          finding,
          fitting.map((each) => ({ ...each, windows: [] })),
        );
      }
      return;
    }
    case 'runs':
      if (id === undefined)
        list(
          runResource,
          world.runs.map((run) => ({ ...run, comparison: null })),
        );
      else
        one(
          runResource,
          world.runs.find((run) => run.id === id),
        );
      return;
    case 'schedules':
      list(scheduleAnswer, world.schedules);
      return;
    case 'periods':
      list(periodResource, world.periods);
      return;
    case 'deliveries':
      list(
        deliveryResource,
        world.deliveries.filter(({ state }) => fits('state', state)),
      );
      return;
    case 'destinations':
      list(destinationResource, world.destinations);
      return;
    case 'alerts':
      list(alertResource, world.alerts);
      return;
    case 'keepers':
      list(keeperResource, world.keepers);
      return;
    case 'environments':
      list(environmentResource, world.environments);
      return;
    case 'scenarios':
      list(scenarioResource, world.scenarios);
      return;
    default:
      refuse(response, { status: 404, code: 'UNKNOWN_NAME', detail: `there is no ${path}` });
  }
}

function change(method: string, path: string, body: unknown, { world, response }: Asked): void {
  if (path === '/runs/plan') {
    const wish = runRequest.pick({ scenario: true, environment: true, seed: true }).parse(body);
    const refusal = world.refusal;
    if (refusal) refuse(response, refusal);
    else send(response, runPlan, { text: `${wish.scenario} in ${wish.environment}, seed ${String(wish.seed)}\n\n${world.planText}` });
  } else if (path === '/runs') {
    const wish = runRequest.parse(body);
    const run = { ...world.aRun({ id: 'api-1', scenario: wish.scenario, state: 'running' }), seed: wish.seed ?? 1 };
    world.runs.unshift(run);
    send(response, runResource, run);
  } else if (method === 'PUT' && path.startsWith('/periods/')) {
    world.periods.push({ spec: periodSpec.parse(body), origin: 'api', isNow: true });
    response.writeHead(204).end();
  } else if (method === 'PUT' && path.startsWith('/schedules/')) {
    const spec = scheduleSpec.parse(body);
    world.schedules = world.schedules.map((each) => (each.spec.name === spec.name ? { ...each, spec } : each));
    response.writeHead(204).end();
  } else response.writeHead(204).end();
}

function roleOf({ headers }: IncomingMessage): Role | null {
  return (/(?:^|; )holdfast=(viewer|operator|admin)(?:;|$)/.exec(headers.cookie ?? '')?.[1] as Role | undefined) ?? null;
}

async function bodyOf(request: IncomingMessage): Promise<unknown> {
  const chunks: Buffer[] = [];
  for await (const chunk of request) chunks.push(chunk as Buffer);
  const text = Buffer.concat(chunks).toString();
  return text === '' ? null : JSON.parse(text);
}

/** @throws when the answer is not of its form: the page is tested against what the service may say, and nothing else */
function send(response: ServerResponse, form: z.ZodType, value: unknown): void {
  form.parse(value);
  response.writeHead(200, { 'content-type': 'application/json' }).end(JSON.stringify(value));
}

type Refusal = { status: number; code: string; detail: string; remedy?: string };

function refuse(response: ServerResponse, refusal: Refusal): void {
  const told = problem.parse({ type: 'about:blank', title: 'Refused', ...refusal });
  response.writeHead(refusal.status, { 'content-type': 'application/problem+json' }).end(JSON.stringify(told));
}
