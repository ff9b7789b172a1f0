// Whether an API server serves a kind at all, by its own word: a 404 alone may be that of anything in between.
import { z } from 'zod';
import type { Resource } from './kube-client.ts';

const groupList = z.looseObject({
  kind: z.literal('APIGroupList'),
  groups: z.array(z.looseObject({ name: z.string(), versions: z.array(z.looseObject({ version: z.string() })) })),
});
const resourceList = z.looseObject({ kind: z.literal('APIResourceList'), resources: z.array(z.looseObject({ name: z.string() })) });

/** Asks the server for what is at `path`. @throws AppError for whatever is no answer of the form of `schema` */
export type AskDiscovery = <Schema extends z.ZodType>(path: string, schema: Schema) => Promise<z.output<Schema>>;

/** By Kubernetes' discovery, which everybody who is known may read. Every server serves the kinds of the core API. @throws what `ask` throws */
export async function isServed({ group, version, plural }: Resource, ask: AskDiscovery): Promise<boolean> {
  if (group === '') return true;
  const { groups } = await ask('/apis', groupList);
  const isVersionServed = groups.some(({ name, versions }) => name === group && versions.some((each) => each.version === version));
  if (!isVersionServed) return false;
  const { resources } = await ask(`/apis/${group}/${version}`, resourceList);
  return resources.some(({ name }) => name === plural);
}
