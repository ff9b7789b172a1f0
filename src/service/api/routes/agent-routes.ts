// Agents as people see and admit them, and what agents themselves say to the service.
import { randomBytes } from 'node:crypto';
import { createGunzip } from 'node:zlib';
import { type Readable, Transform } from 'node:stream';
import { z } from 'zod';
import { agentAclCommand } from '../../../core/agent-redis-user.ts';
import { AGENT_SCHEMA, agentState, agentStateAnswer, chunk, chunkAnswer, enrolment } from '../../../core/agent-messages.ts';
import { agentResource, listOf } from '../../../core/api.ts';
import { AppError } from '../../../core/errors.ts';
import { name } from '../../../core/names.ts';
import type { ApiParts, App } from '../api-parts.ts';
import { knownNames } from '../bodies.ts';
import { agentOf as agentOfRequest } from '../callers.ts';
import { wholeList } from '../list-page.ts';
import { agentOf } from '../resources.ts';
import { byName, nothing } from '../route-forms.ts';
import { createToken } from '../tokens.ts';

const admission = z.strictObject({ name, environment: name, vantage: name });
const admitted = z.object({
  name: z.string(),
  /** Shown once. */
  token: z.string(),
  /** Fingerprinted and pinned by the agent. */
  controllerKey: z.string(),
  /** What an administrator of a Redis of one's own types, once: the agent's user and its password. */
  redisAcl: z.string(),
});

/** What people do with agents. */
export function agentRoutes(app: App, api: ApiParts): void {
  const { store, parts, clock } = api;
  const tags = ['agents'];
  app.get(
    '/agents',
    { config: { permission: 'viewer' }, schema: { tags, summary: 'Agents and how they are', response: { 200: listOf(agentResource) } } },
    async () => {
      const rows = await store.selectFrom('agents').selectAll().orderBy('name').execute();
      return wholeList(rows.map((row) => agentOf(row, parts.queues, clock.nowMs())));
    },
  );
  app.post(
    '/agents',
    {
      config: { permission: 'admin' },
      schema: {
        tags,
        summary: 'Admits an agent: its token and its Redis user are told here once',
        body: admission,
        response: { 201: admitted },
      },
    },
    async ({ body }, reply) => {
      const environment = api.catalogue.environments.get(body.environment)?.environment;
      knownNames([
        { path: 'body.environment', name: body.environment, known: api.catalogue.environments.keys(), what: 'an environment' },
        ...(environment
          ? [{ path: 'body.vantage', name: body.vantage, known: environment.vantages.map((each) => each.name), what: 'a vantage' }]
          : []),
      ]);
      const there = await store.selectFrom('agents').select('name').where('name', '=', body.name).executeTakeFirst();
      if (there)
        throw new AppError('CONFLICT', `there is an agent ${body.name} already`, { remedy: 'revoke it first, or choose another name' });
      await parts.monitors.addAgent(body);
      const { token } = await createToken(store, { name: `agent ${body.name}`, role: 'agent', agent: body.name, nowMs: clock.nowMs() });
      api.announcements.announce('agent', body.name);
      return await reply.code(201).send({
        ...{ name: body.name, token, controllerKey: parts.monitors.controllerKey },
        redisAcl: agentAclCommand(body.name, randomBytes(24).toString('base64url')).join(' '),
      });
    },
  );
  app.delete(
    '/agents/:name',
    {
      config: { permission: 'admin' },
      schema: { tags, summary: 'Revokes an agent: its tokens end at once', params: byName, response: { 204: nothing } },
    },
    async ({ params }, reply) => {
      const there = await store.selectFrom('agents').select('name').where('name', '=', params.name).executeTakeFirst();
      if (!there) throw new AppError('UNKNOWN_NAME', `there is no agent ${params.name}`);
      await store
        .updateTable('tokens')
        .set({ revoked_ms: clock.nowMs() })
        .where('agent', '=', params.name)
        .where('revoked_ms', 'is', null)
        .execute();
      await parts.monitors.removeAgent(params.name);
      api.announcements.announce('agent', params.name);
      return await reply.code(204).send(undefined);
    },
  );
}

/** What agents say; each may only speak for itself, whatever it writes. */
export function agentMessageRoutes(app: App, { store, parts, clock, limits, machineBoot }: ApiParts): void {
  const tags = ['agents'];
  app.get(
    '/agent/enrolment',
    { config: { permission: 'agent' }, schema: { tags, summary: 'What an agent pins at its first contact', response: { 200: enrolment } } },
    async (request) => {
      const agent = agentOfRequest(request);
      const row = await store.selectFrom('agents').selectAll().where('name', '=', agent).executeTakeFirst();
      if (!row) throw new AppError('UNKNOWN_NAME', `the agent ${agent} is not known any more`);
      const { environment, vantage } = row;
      return { schema: AGENT_SCHEMA, agent, environment, vantage, controllerKey: parts.monitors.controllerKey } as const;
    },
  );
  app.post(
    '/agent/state',
    {
      config: { permission: 'agent' },
      schema: {
        tags,
        summary: 'What an agent holds, and an exchange of clock readings',
        body: agentState,
        response: { 200: agentStateAnswer },
      },
      // Read before the body is: the reading belongs to the arrival, not to our own work on it.
      preParsing: (request, _reply, payload, done) => {
        request.receivedMonoMs = clock.monoMs();
        done(null, payload);
      },
    },
    async (request) => {
      const { serial } = await parts.monitors.takeState(agentOfRequest(request), request.body);
      return { serviceBoot: machineBoot, receivedMonoMs: request.receivedMonoMs, sentMonoMs: clock.monoMs(), serial };
    },
  );
  app.post(
    '/agent/chunks',
    {
      config: { permission: 'agent' },
      bodyLimit: limits.chunkBytes,
      schema: { tags, summary: 'Journal events, numbered; may be packed with gzip', body: chunk, response: { 200: chunkAnswer } },
      preParsing: (request, _reply, payload, done) => {
        if (request.headers['content-encoding'] === 'gzip') done(null, unpacked(payload));
        else done(null, payload);
      },
    },
    (request) => parts.monitors.takeChunk(agentOfRequest(request), request.body),
  );
}

/** Unpacks a body; Fastify's limit counts what comes out, and ends it there, and compares what went in with the promised length. */
function unpacked(payload: NodeJS.ReadableStream): Readable & { receivedEncodedLength: number } {
  const counter = new Transform({
    transform(part: Buffer, _encoding, done) {
      stream.receivedEncodedLength += part.length;
      done(null, part);
    },
  });
  const gunzip = createGunzip();
  const stream = Object.assign(gunzip, { receivedEncodedLength: 0 });
  gunzip.on('error', (error) => Object.assign(error, { statusCode: 400 }));
  payload.on('error', (error: Error) => gunzip.destroy(error));
  payload.pipe(counter).pipe(gunzip);
  return stream;
}
