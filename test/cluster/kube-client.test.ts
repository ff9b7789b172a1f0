// The client of a cluster's API, against a real TLS server that plays one.
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { openCluster } from '../../src/cluster/open-cluster.ts';
import { RESOURCES } from '../../src/cluster/kube-client.ts';
import { AppError } from '../../src/core/errors.ts';
import { AnApiServer, answer, aStatus } from '../support/an-api-server.ts';

const never = new AbortController().signal;
const { pods } = RESOURCES;
const aPod = { resource: pods, namespace: 'default', name: 'a' };

async function refusalOf(work: Promise<unknown>): Promise<AppError> {
  const thrown: unknown = await work.then(
    () => null,
    (error: unknown) => error,
  );
  if (thrown instanceof AppError) return thrown;
  throw new Error(`expected an AppError, found ${String(thrown)}`);
}

it('lists page by page, and says of each item what it is', async () => {
  await using server = await AnApiServer.start();
  for (let number = 0; number < 1_201; number += 1) server.put(`pod-${String(number)}`);
  await using client = await openCluster(server.cluster);
  const found = await client.list(pods, {}, never);
  expect(found).toHaveLength(1_201);
  expect(found?.[0]).toMatchObject({ kind: 'Pod', apiVersion: 'v1', metadata: { name: 'pod-0' } });
  expect(server.asked.map(({ query }) => query.get('continue'))).toEqual([null, '500', '1000']);
});

it('lists all at once when the snapshot is forgotten between two pages', async () => {
  await using server = await AnApiServer.start();
  for (let number = 0; number < 700; number += 1) server.put(`pod-${String(number)}`);
  server.interlude = ({ query }, response) =>
    query.has('continue') && answer(response, 410, aStatus(410, 'The provided continue parameter is too old'));
  await using client = await openCluster(server.cluster);
  expect(await client.list(pods, {}, never)).toHaveLength(700);
});

it('knows a kind that the server does not know from one without objects', async () => {
  await using server = await AnApiServer.start();
  await using client = await openCluster(server.cluster);
  expect(await client.list(RESOURCES.serviceBgpStatuses, {}, never)).toBeNull();
  expect(await client.list(pods, {}, never)).toEqual([]);
});

it('says in the server’s own words why something is refused, and what to do', async () => {
  await using server = await AnApiServer.start();
  server.interlude = (_, response) => answer(response, 403, aStatus(403, 'pods is forbidden: User "eve" cannot list resource "pods"'));
  await using client = await openCluster(server.cluster);
  const refused = await refusalOf(client.list(pods, { namespace: 'default' }, never));
  expect(refused.code).toBe('CLUSTER_REFUSED');
  expect(refused.message).toMatch(/does not allow to list pods in default: pods is forbidden: User "eve"/);
  expect(refused.remedy).toContain('deploy/kubernetes/rbac.yaml');
});

it('reads the login again when it is no longer accepted, and tries once more', async () => {
  await using server = await AnApiServer.start();
  await using client = await openCluster(server.cluster);
  await server.writeKubeconfig({ token: 'rotated' });
  server.interlude = ({ authorization }, response) =>
    authorization !== 'Bearer rotated' && answer(response, 401, aStatus(401, 'Unauthorized'));
  expect(await client.list(pods, {}, never)).toEqual([]);
  server.interlude = (_, response) => answer(response, 401, aStatus(401, 'Unauthorized'));
  const refused = await refusalOf(client.get(aPod, never));
  expect(refused.message).toMatch(/does not know who asks \(get pods default\/a\): Unauthorized/);
});

it('goes through a Unix socket and still proves who the server is', async () => {
  await using server = await AnApiServer.start({ path: join(tmpdir(), `holdfast-api-${String(process.pid)}.sock`) });
  server.put('a');
  await using client = await openCluster(server.cluster);
  expect(await client.get(aPod, never)).toBeNull(); // the stand-in serves lists alone
  expect(await client.list(pods, {}, never)).toHaveLength(1);
  await server.writeKubeconfig({ server: 'https://192.0.2.7:6443' });
  await using misled = await openCluster(server.cluster);
  const refused = await refusalOf(misled.list(pods, {}, never));
  expect(refused.code).toBe('CLUSTER_UNREACHABLE');
  expect(refused.message).toContain('192.0.2.7');
});

it('deletes under its conditions: what a deletion says beside its path reaches the server', async () => {
  await using server = await AnApiServer.start();
  server.interlude = ({ method }, response) => method === 'DELETE' && answer(response, 200, aStatus(200, 'deleted'));
  await using client = await openCluster(server.cluster);
  await client.remove(aPod, { uid: 'u-1', gracePeriodSeconds: 0, dryRun: true }, never);
  expect(server.asked.at(-1)).toMatchObject({
    method: 'DELETE',
    body: { gracePeriodSeconds: 0, preconditions: { uid: 'u-1' }, dryRun: ['All'] },
  });
});
