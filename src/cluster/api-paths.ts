// Where objects are in the API: paths and queries of its requests.
import type { Resource } from './kube-client.ts';

export type Query = Record<string, string | number | boolean | undefined>;

/** `/api/v1/namespaces/a/pods/b/eviction`; without a namespace: all of them. */
export function pathOf(
  resource: Resource,
  at: { namespace?: string | undefined; name?: string; subresource?: string | undefined },
): string {
  const { group, version, plural, namespaced } = resource;
  const parts = group === '' ? ['api', version] : ['apis', group, version];
  if (namespaced && at.namespace !== undefined) parts.push('namespaces', at.namespace);
  parts.push(plural);
  if (at.name !== undefined) parts.push(at.name);
  if (at.subresource !== undefined) parts.push(at.subresource);
  return `/${parts.map(encodeURIComponent).join('/')}`;
}

/** `?a=1&b=2`, or nothing. */
export function queryOf(query: Query): string {
  const given = Object.entries(query).flatMap(([key, value]) => (value === undefined ? [] : [[key, String(value)] as [string, string]]));
  return given.length === 0 ? '' : `?${new URLSearchParams(given).toString()}`;
}
