// The OpenAPI 3.1 document of the API, made from the routes themselves.
import type { FastifyDynamicSwaggerOptions } from '@fastify/swagger';
import type { onRouteHookHandler } from 'fastify';
import { createJsonSchemaTransform, createJsonSchemaTransformObject } from 'fastify-type-provider-zod';
import { z } from 'zod';
import { agentState, chunk } from '../../core/agent-messages.ts';
import {
  agentResource,
  alertResource,
  deliveryResource,
  environmentResource,
  keeperResource,
  monitorStatus,
  problem,
  runResource,
  scheduleResource,
} from '../../core/api.ts';
import { finding } from '../../core/finding.ts';
import { monitorSpec, periodSpec, scheduleSpec } from '../../core/service-file.ts';
import type { Permission } from './permissions.ts';

type ZodToJsonConfig = NonNullable<NonNullable<Parameters<typeof createJsonSchemaTransform>[0]>['zodToJsonConfig']>;

/** Forms that the document names once and refers to. */
const NAMED = namedForms({
  ...{ Problem: problem, MonitorStatus: monitorStatus, MonitorSpec: monitorSpec, Finding: finding, Run: runResource },
  ...{ Schedule: scheduleResource, ScheduleSpec: scheduleSpec, PeriodSpec: periodSpec, Alert: alertResource, Delivery: deliveryResource },
  ...{ Environment: environmentResource, Keeper: keeperResource, Agent: agentResource, AgentState: agentState, Chunk: chunk },
});

const CONFIG: ZodToJsonConfig = {
  unrepresentable: 'any',
  override: ({ zodSchema, jsonSchema }) => {
    const { type } = zodSchema._zod.def;
    // The one transformation there is in answers: a written duration, told in ms.
    if (type === 'transform') Object.assign(jsonSchema, { type: 'number', description: 'ms' });
    // An answer without a body.
    if (type === 'undefined') jsonSchema.type = 'null';
  },
};

export const DOCUMENT_OPTIONS: FastifyDynamicSwaggerOptions = {
  openapi: {
    openapi: '3.1.0',
    info: {
      title: 'Holdfast',
      description:
        'Instants are Unix ms, durations in answers ms; durations in bodies are written as in files (`30s`). Lists come newest first as ' +
        '{ items, next } and go on with `?cursor=next`. Errors are Problem Details (RFC 9457) with a stable `code`.',
      version: '1',
    },
    components: {
      securitySchemes: {
        token: { type: 'http', scheme: 'bearer', description: 'A token hf_…' },
        session: {
          type: 'apiKey',
          in: 'cookie',
          name: 'holdfast',
          description: 'With the header x-csrf-token on all that changes something',
        },
      },
    },
  },
  transform: createJsonSchemaTransform({ schemaRegistry: NAMED, zodToJsonConfig: CONFIG }),
  transformObject: (document) =>
    withoutUnused(createJsonSchemaTransformObject({ schemaRegistry: NAMED, zodToJsonConfig: CONFIG })(document)),
};

const FOR_WHOM: Readonly<Record<Permission, string>> = {
  public: 'Needs no token.',
  hook: 'Needs the secret of the hook.',
  any: 'Needs any token.',
  viewer: 'Needs the role viewer.',
  operator: 'Needs the role operator.',
  admin: 'Needs the role admin.',
  agent: 'For agents.',
  keeper: 'For keepers on other machines.',
  'viewer-or-socket': 'Needs the role viewer, or the service’s Unix socket.',
};

const REFUSAL = { description: 'Refused.', content: { 'application/problem+json': { schema: problem } } };

/** What every route's documentation says: who may use it, and the one form of refusals. */
export const withDefaults: onRouteHookHandler = (route) => {
  const { permission } = route.config as { permission: Permission };
  const isOpen = permission === 'public' || permission === 'hook';
  const { response } = (route.schema ?? {}) as { response?: Record<string, unknown> };
  route.schema = {
    ...route.schema,
    description: FOR_WHOM[permission],
    security: isOpen ? [] : [{ token: [] }, ...(permission === 'agent' || permission === 'keeper' ? [] : [{ session: [] }])],
    ...(response === undefined ? {} : { response: { ...response, default: REFUSAL } }),
  };
};

function namedForms(forms: Readonly<Record<string, z.ZodType>>) {
  const registry = z.registry<{ id?: string }>();
  for (const [id, form] of Object.entries(forms)) registry.add(form, { id });
  return registry;
}

type ApiDocument = ReturnType<ReturnType<typeof createJsonSchemaTransformObject>>;

/** Each form is offered as it is written and as it is answered; most are only one of them. */
function withoutUnused(document: ApiDocument): ApiDocument {
  const { components = {} } = document as { components?: { schemas?: Record<string, unknown> } };
  let schemas = components.schemas ?? {};
  for (;;) {
    const text = JSON.stringify([document.paths, schemas]);
    const used = Object.entries(schemas).filter(([id]) => text.includes(`"#/components/schemas/${id}"`));
    if (used.length === Object.keys(schemas).length) return { ...document, components: { ...components, schemas } } as ApiDocument;
    schemas = Object.fromEntries(used);
  }
}
