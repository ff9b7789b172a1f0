// Keepers: what each says, and the emergency stop.
import { z } from 'zod';
import { keeperResource, listOf } from '../../../core/api.ts';
import { name } from '../../../core/names.ts';
import { askKeepers, haltKeeper } from '../../keepers.ts';
import type { ApiParts, App } from '../api-parts.ts';
import { wholeList } from '../list-page.ts';

export function keeperRoutes(app: App, { catalogue }: Pick<ApiParts, 'catalogue'>): void {
  const tags = ['keepers'];
  app.get(
    '/keepers',
    { config: { permission: 'viewer' }, schema: { tags, summary: 'What each keeper says now', response: { 200: listOf(keeperResource) } } },
    async () => wholeList(await askKeepers(catalogue)),
  );
  app.post(
    '/keepers/:environment/halt',
    {
      config: { permission: 'operator' },
      schema: {
        ...{ tags, summary: 'Reverts every fault of an environment now, and allows none until `holdfast halt --lift`' },
        ...{ params: z.object({ environment: name }), response: { 200: keeperResource } },
      },
    },
    async ({ params: { environment } }) => await haltKeeper(catalogue, environment),
  );
}
