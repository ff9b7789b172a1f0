// POST /hooks/<name>: calls from pipelines (signed) and from Alertmanager (with a bearer token).
import { z } from 'zod';
import { AppError } from '../../core/errors.ts';
import { name } from '../../core/names.ts';
import type { HookSpec } from '../../core/service-file.ts';
import type { ApiParts, App } from '../api/api-parts.ts';
import { notTooDeep } from '../api/bodies.ts';
import type { Counting } from '../api/gate.ts';
import { parsed } from '../api/problems.ts';
import { isSame } from '../api/tokens.ts';
import { alertmanagerPayload } from './alertmanager-payload.ts';
import { HookDesk } from './hook-desk.ts';
import { verifyCall } from './signed-call.ts';

const outcome = z.object({ outcome: z.string(), why: z.string(), runId: z.string().nullable() });
const answer = z.union([outcome, z.object({ outcomes: z.array(outcome.extend({ fingerprint: z.string() })) })]);
const call = z.strictObject({
  scenario: name.optional(),
  seed: z
    .int()
    .min(0)
    .max(2 ** 32 - 1)
    .optional(),
});

/** Adds the route to a scope of its own: its body stays a text, since a signature is over the text. */
export function hookCallRoutes(app: App, api: ApiParts, { countFailure, countHookCall }: Counting): void {
  const desk = new HookDesk(api);
  app.removeAllContentTypeParsers();
  app.addContentTypeParser('application/json', { parseAs: 'string' }, (_request, body, done) => {
    done(null, body);
  });
  app.post(
    '/hooks/:name',
    {
      config: { permission: 'hook' },
      bodyLimit: api.limits.hookBytes,
      schema: {
        tags: ['hooks'],
        summary: 'A call of a hook: { scenario?, seed? } signed as Standard Webhooks, or the payload of an Alertmanager',
        params: z.object({ name: z.string().max(63) }),
        response: { 200: answer, 202: answer },
      },
    },
    async (request, reply) => {
      const body = typeof request.body === 'string' ? request.body : '';
      const hook = hookNamed(api.file.hooks, request.params.name);
      const accepted =
        hook === undefined ? { why: 'the call is not valid' } : accept(hook, { body, headers: request.headers, nowMs: api.clock.nowMs() });
      // Whether there is such a hook is told to nobody who cannot call it.
      if (hook === undefined || 'why' in accepted) throw await countFailure(request, reply, 'why' in accepted ? accepted.why : '');
      await countHookCall(request, reply);
      if (hook.kind === 'alertmanager') {
        const outcomes = await desk.takeAlerts(hook, parsed(alertmanagerPayload, jsonOf(body), 'body'));
        return await reply.code(outcomes.some((each) => each.outcome === 'started') ? 202 : 200).send({ outcomes });
      }
      const result = await desk.takeCall(hook, accepted.id, parsed(call, body === '' ? {} : jsonOf(body), 'body'));
      if (result.outcome === 'refused') throw new AppError('FORBIDDEN', result.why);
      return await reply.code(result.outcome === 'started' ? 202 : 200).send(result);
    },
  );
}

/** `/hooks/alertmanager` also means the only hook of that kind, whatever its name. */
function hookNamed(hooks: readonly HookSpec[], wanted: string): HookSpec | undefined {
  const named = hooks.find((hook) => hook.name === wanted);
  const ofKind = hooks.filter(({ kind }) => kind === 'alertmanager');
  return named ?? (wanted === 'alertmanager' && ofKind.length === 1 ? ofKind[0] : undefined);
}

type Call = Parameters<typeof verifyCall>[1];

/** @returns the call's id, empty for an alertmanager's; or why it is not accepted */
function accept(hook: HookSpec, received: Call): { id: string } | { why: string } {
  switch (hook.kind) {
    case 'generic':
      return verifyCall(hook.secret, received);
    case 'alertmanager': {
      const { authorization } = received.headers;
      const token = typeof authorization === 'string' ? /^Bearer +(\S+)$/i.exec(authorization)?.[1] : undefined;
      return token !== undefined && isSame(token, hook.token) ? { id: '' } : { why: 'the bearer token is not that of the hook' };
    }
  }
}

function jsonOf(body: string): unknown {
  let value: unknown;
  try {
    value = JSON.parse(body);
  } catch (cause) {
    throw new AppError('BAD_INPUT', 'the body is no JSON', { cause });
  }
  notTooDeep(value);
  return value;
}
