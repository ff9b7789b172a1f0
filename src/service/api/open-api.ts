// The service's API as one Fastify application that does not listen yet: plugins, gate, routes, hooks and page, in the order that matters.
import fastifyCookie from '@fastify/cookie';
import fastifyRateLimit from '@fastify/rate-limit';
import fastifySwagger from '@fastify/swagger';
import Fastify, { type FastifyInstance } from 'fastify';
import type { ZodTypeProvider } from 'fastify-type-provider-zod';
import type { z } from 'zod';
import { machineBootId } from '../../io/clock.ts';
import { hookCallRoutes } from '../hooks/hook-call-routes.ts';
import { addAnswerHeaders } from './answer-headers.ts';
import type { ApiParts, App } from './api-parts.ts';
import { noReferences, notTooDeep } from './bodies.ts';
import { DOCUMENT_OPTIONS, withDefaults } from './document.ts';
import { addGate, type CountFailure } from './gate.ts';
import { LIMITS } from './limits.ts';
import { requirePermissions } from './permissions.ts';
import { answerProblems, parsed, problemOf, sendProblem } from './problems.ts';
import { agentMessageRoutes, agentRoutes } from './routes/agent-routes.ts';
import { alertRoutes } from './routes/alert-routes.ts';
import { catalogueRoutes } from './routes/catalogue-routes.ts';
import { eventRoutes } from './routes/event-routes.ts';
import { findingRoutes } from './routes/finding-routes.ts';
import { healthRoutes } from './routes/health-routes.ts';
import { keeperLinkRoute, keeperRoutes } from './routes/keeper-routes.ts';
import { monitorRoutes } from './routes/monitor-routes.ts';
import { overviewRoutes } from './routes/overview-routes.ts';
import { pageRoutes } from './routes/page-routes.ts';
import { runFileRoutes } from './routes/run-file-routes.ts';
import { runRoutes } from './routes/run-routes.ts';
import { periodRoutes, scheduleRoutes } from './routes/schedule-routes.ts';
import { sessionRoutes } from './routes/session-routes.ts';
import { tokenRoutes } from './routes/token-routes.ts';

type Defaulted = 'machineBoot' | 'limits';

/**
 * Makes the API. Let it be reached with `listenOn`, and `close()` it after its doors.
 * @throws Error when a route declares no permission
 */
export async function openApi(options: Omit<ApiParts, Defaulted> & Partial<Pick<ApiParts, Defaulted>>): Promise<FastifyInstance> {
  const api: ApiParts = { machineBoot: machineBootId(), limits: LIMITS, ...options };
  return await buildApi(api, () => undefined);
}

/** @param more adds routes of its own, as a test of the guards does */
export async function buildApi(api: ApiParts, more: (app: FastifyInstance) => void): Promise<FastifyInstance> {
  const ended = new AbortController();
  const app: App = Fastify({
    bodyLimit: api.limits.bodyBytes,
    exposeHeadRoutes: false,
    trustProxy: api.file.listen.trustedProxies,
    routerOptions: { maxParamLength: 300 },
    // What cannot even be routed, such as a path with half an escape.
    frameworkErrors: (error, _request, reply) =>
      void sendProblem(
        reply,
        problemOf(error, () => undefined),
      ),
    return503OnClosing: false,
  }).withTypeProvider<ZodTypeProvider>();
  takeJsonOnly(app);
  app.setValidatorCompiler<z.ZodType>(({ schema, httpPart }) => (value) => ({ value: parsed(schema, value, PART[httpPart ?? '']) }));
  // Handlers build their answers field by field: nothing is left to strip, and a whole journal need not be walked twice.
  app.setSerializerCompiler(() => (value) => JSON.stringify(value));
  answerProblems(app, api.log);
  requirePermissions(app);
  app.addHook('onRoute', withDefaults);
  addAnswerHeaders(app);
  await app.register(fastifyCookie);
  await app.register(fastifyRateLimit, { global: false });
  await app.register(fastifySwagger, DOCUMENT_OPTIONS);
  app.addHook('preClose', () => {
    ended.abort();
  });
  const counting = addGate(app, api);
  await app.register(
    (scope, _options, done) => {
      apiRoutes(scope.withTypeProvider<ZodTypeProvider>(), { api, countFailure: counting.countFailure, signal: ended.signal });
      done();
    },
    { prefix: '/api/v1' },
  );
  healthRoutes(app, api);
  await app.register((scope, _options, done) => {
    hookCallRoutes(scope.withTypeProvider<ZodTypeProvider>(), api, counting);
    done();
  });
  await pageRoutes(app, api);
  more(app);
  await app.ready();
  return app;
}

const PART: Readonly<Record<string, string>> = { body: 'body', querystring: 'query', params: 'path', headers: 'headers' };

type Own = { api: ApiParts; countFailure: CountFailure; signal: AbortSignal };

function apiRoutes(app: App, { api, countFailure, signal }: Own): void {
  app.addHook('preValidation', (request, _reply, done) => {
    // What agents send is read by no file's rules: a node may be called anything.
    if (request.routeOptions.config.permission !== 'agent') {
      notTooDeep(request.body);
      noReferences(request.body);
    }
    done();
  });
  sessionRoutes(app, api, countFailure);
  overviewRoutes(app, api);
  monitorRoutes(app, api);
  findingRoutes(app, api);
  catalogueRoutes(app, api);
  agentRoutes(app, api);
  agentMessageRoutes(app, api);
  keeperRoutes(app, api);
  keeperLinkRoute(app, api);
  runRoutes(app, api);
  runFileRoutes(app, api);
  scheduleRoutes(app, api);
  periodRoutes(app, api);
  alertRoutes(app, api);
  tokenRoutes(app, api);
  eventRoutes(app, api, signal);
  app.get('/openapi.json', { config: { permission: 'public' }, schema: { hide: true } }, () => app.swagger());
}

/** A form that another site can send by itself is never JSON by name. An empty body is none, whatever it calls itself. */
function takeJsonOnly(app: App): void {
  const parse = app.getDefaultJsonParser('error', 'error');
  app.removeAllContentTypeParsers();
  app.addContentTypeParser<string>('application/json', { parseAs: 'string' }, (request, body, done) => {
    if (body === '') done(null, undefined);
    else void parse(request, body, done);
  });
}
