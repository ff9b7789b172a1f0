// What the service's files say, read only: environments, probes, scenarios, hooks, rules and destinations. Never a secret.
import type { z } from 'zod';
import {
  destinationResource,
  type EnvironmentResource,
  environmentResource,
  hookResource,
  listOf,
  probeResource,
  ruleResource,
  scenarioResource,
} from '../../../core/api.ts';
import { AppError } from '../../../core/errors.ts';
import type { ApiParts, App } from '../api-parts.ts';
import { wholeList } from '../list-page.ts';
import { environmentOf } from '../resources.ts';
import { byName } from '../route-forms.ts';

export function catalogueRoutes(app: App, api: Pick<ApiParts, 'catalogue' | 'file'>): void {
  const list = <Item extends z.ZodType>(url: string, item: Item, options: { summary: string; items: () => z.input<Item>[] }) => {
    app.get(
      url,
      { config: { permission: 'viewer' }, schema: { tags: ['files'], summary: options.summary, response: { 200: listOf(item) } } },
      () => wholeList(options.items()) as never, // of `item`, which Fastify's types cannot see through a generic
    );
  };
  const environments = (): EnvironmentResource[] =>
    [...api.catalogue.environments.values()].map(({ environment }) => environmentOf(environment));

  list('/environments', environmentResource, { summary: 'Environments; they come from disk', items: environments });
  app.get(
    '/environments/:name',
    {
      config: { permission: 'viewer' },
      schema: { tags: ['files'], summary: 'One environment', params: byName, response: { 200: environmentResource } },
    },
    ({ params }) => {
      const found = environments().find(({ name }) => name === params.name);
      if (found) return found;
      throw new AppError('UNKNOWN_NAME', `there is no environment ${params.name}`);
    },
  );
  list('/probes', probeResource, {
    summary: 'Probes',
    items: () =>
      [...api.catalogue.probes].map(([name, { probe }]) => ({ name, title: probe.title, protocol: probe.protocol, file: probe })),
  });
  list('/scenarios', scenarioResource, {
    summary: 'Scenarios; durations are in ms',
    items: () =>
      [...api.catalogue.scenarios].map(([name, { scenario }]) => ({
        ...{ name, title: scenario.title, file: scenario },
        faults: scenario.timeline.map(({ fault }) => fault),
      })),
  });
  list('/hooks', hookResource, {
    summary: 'Hooks that may be called',
    items: () =>
      api.file.hooks.map(({ name, kind, scenarios, allowFaults }) => ({ name, kind, url: `/hooks/${name}`, scenarios, allowFaults })),
  });
  list('/rules', ruleResource, { summary: 'Which findings and verdicts are told to whom', items: () => api.file.rules as never[] });
  list('/destinations', destinationResource, {
    summary: 'Where notifications go',
    // The path of a webhook's URL is often its secret.
    items: () => api.file.destinations.map(({ name, kind, url }) => ({ name, kind, url: new URL(url).origin })),
  });
}
