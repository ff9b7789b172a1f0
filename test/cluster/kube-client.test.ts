// The client of a cluster's API, against a real TLS server that plays one.
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { beforeAll, expect, it } from 'vitest';
import { openCluster } from '../../src/cluster/open-cluster.ts';
import { RESOURCES } from '../../src/cluster/kube-client.ts';
import { AppError } from '../../src/core/errors.ts';
import { aCertificate } from '../support/a-certificate.ts';
import { AnApiServer, answer, aStatus, notFound } from '../support/an-api-server.ts';
import { eventually } from '../support/eventually.ts';

// It is large, and loaded at the first use: no test's time limit need allow for that.
beforeAll(() => import('@kubernetes/client-node'), 60_000);

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

it.each([
  ['a proxy whose backend is away', '404 page not found'],
  ['an API server of another place', aStatus(404, 'the server could not find the requested resource', { reason: 'NotFound' })],
  ['one that speaks of another object', notFound('pods', 'b')],
])('takes the 404 of %s for no word about an object', async (_, said) => {
  await using server = await AnApiServer.start();
  await using client = await openCluster(server.cluster);
  server.interlude = (_, response) => answer(response, 404, said);
  const change = { kind: 'merge', body: {} } as const;
  const works = [
    () => client.get(aPod, never),
    () => client.get({ resource: RESOURCES.bgpAdvertisements, namespace: 'metallb-system', name: 'a' }, never),
    () => client.list(pods, {}, never),
    () => client.list(RESOURCES.bgpAdvertisements, {}, never),
    () => client.patch(aPod, change, {}, never),
    () => client.remove(aPod, {}, never),
    () => client.evict({ namespace: 'default', name: 'a' }, {}, never),
    () => client.create(pods, { metadata: { name: 'a', namespace: 'default' } }, {}, never),
  ];
  for (const work of works) expect((await refusalOf(work())).code).toBe('CLUSTER_UNREACHABLE');
});

it('asks the server itself whether it serves a kind of which a 404 came', async () => {
  await using server = await AnApiServer.start();
  await using client = await openCluster(server.cluster);
  const { bgpAdvertisements } = RESOURCES;
  const anAdvertisement = { resource: bgpAdvertisements, namespace: 'metallb-system', name: 'all' };
  expect(await client.get(anAdvertisement, never)).toBeNull();
  server.groups = [{ name: 'metallb.io', versions: [{ version: 'v1beta2' }] }];
  expect(await client.list(bgpAdvertisements, {}, never)).toBeNull();
  server.groups = [{ name: 'metallb.io', versions: [{ version: 'v1beta1' }] }];
  const resources = [{ name: 'ipaddresspools' }];
  server.interlude = ({ path }, response) =>
    path === '/apis/metallb.io/v1beta1' && answer(response, 200, { kind: 'APIResourceList', resources });
  expect(await client.list(bgpAdvertisements, {}, never)).toBeNull();
  resources.push({ name: 'bgpadvertisements' });
  expect((await refusalOf(client.list(bgpAdvertisements, {}, never))).code).toBe('CLUSTER_UNREACHABLE');
  expect((await refusalOf(client.get(anAdvertisement, never))).code).toBe('CLUSTER_UNREACHABLE');
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

it('tells an eviction that a disruption budget forbids from a server that is asked too often', async () => {
  await using server = await AnApiServer.start();
  await using client = await openCluster(server.cluster);
  const budget = { details: { causes: [{ reason: 'DisruptionBudget', message: 'The disruption budget web needs 3 healthy pods' }] } };
  server.interlude = (_, response) => answer(response, 429, aStatus(429, 'Cannot evict pod.', budget), { 'retry-after': '10' });
  const pod = { namespace: 'default', name: 'a' };
  expect(await client.evict(pod, { uid: 'u', dryRun: true }, never)).toEqual({
    kind: 'blocked',
    why: 'Cannot evict pod. The disruption budget web needs 3 healthy pods',
  });
  expect(server.asked).toMatchObject([{ path: '/api/v1/namespaces/default/pods/a/eviction' }]);
  expect(server.asked[0]?.query.get('dryRun')).toBe('All');
  expect(server.asked[0]?.body).toMatchObject({ kind: 'Eviction', deleteOptions: { preconditions: { uid: 'u' }, dryRun: ['All'] } });
  let busy = 2;
  server.interlude = (_, response) => {
    busy -= 1;
    if (busy >= 0) return answer(response, 429, 'Too many requests, please try again later.', { 'retry-after': '0.01' });
    return answer(response, 201, { kind: 'Status', status: 'Success' });
  };
  expect(await client.evict(pod, {}, never)).toEqual({ kind: 'evicted' });
  server.interlude = (_, response) => answer(response, 404, notFound('pods', 'a'));
  expect(await client.evict(pod, {}, never)).toEqual({ kind: 'gone' });
});

it('finds out whether a guarded change met another object, whatever the server calls it', async () => {
  await using server = await AnApiServer.start();
  await using client = await openCluster(server.cluster);
  server.interlude = ({ method }, response) =>
    method === 'PATCH'
      ? answer(response, 422, aStatus(422, 'metadata.uid: field is immutable'))
      : answer(response, 200, { metadata: { name: 'a', uid: 'new', resourceVersion: '7' } });
  const change = { kind: 'json', body: [{ op: 'remove', path: '/spec' }] } as const;
  expect((await refusalOf(client.patch(aPod, change, { uid: 'old' }, never))).code).toBe('CONFLICT');
  expect(server.asked[0]?.body).toEqual([{ op: 'test', path: '/metadata/uid', value: 'old' }, ...change.body]);
  // The same object, and a change that is wrong by itself.
  expect((await refusalOf(client.patch(aPod, change, { uid: 'new', resourceVersion: '7' }, never))).code).toBe('CLUSTER_REFUSED');
  server.interlude = (_, response) => answer(response, 404, notFound('pods', 'a'));
  expect((await refusalOf(client.patch(aPod, change, {}, never))).code).toBe('TARGET_GONE');
  await client.remove(aPod, {}, never); // what is gone already is no error
  server.interlude = (_, response) => answer(response, 409, aStatus(409, 'the UID in the precondition does not match'));
  expect((await refusalOf(client.remove(aPod, { uid: 'old' }, never))).code).toBe('CONFLICT');
});

it('gives up on a server that is too slow, in its head or its body, and on one that is gone', async () => {
  await using server = await AnApiServer.start();
  await using client = await openCluster(server.cluster, { callMs: 100 });
  server.interlude = () => true;
  const silent = await refusalOf(client.list(pods, {}, never));
  expect(silent).toMatchObject({ code: 'CLUSTER_UNREACHABLE', message: expect.stringContaining('no answer within 0.1 s') as string });
  server.interlude = (_, response) => {
    response.writeHead(200);
    return response.write('{"items":[');
  };
  expect((await refusalOf(client.list(pods, {}, never))).message).toContain('no answer within 0.1 s');
  await server.goDown();
  expect((await refusalOf(client.list(pods, {}, never))).message).toMatch(/does not answer \(list pods\): connect ECONNREFUSED/);
});

it('ends a call when it is told to, with the reason it was given', async () => {
  await using server = await AnApiServer.start();
  await using client = await openCluster(server.cluster);
  server.interlude = () => true;
  const ending = new AbortController();
  const listing = client.list(pods, {}, ending.signal);
  await eventually(() => {
    expect(server.asked).toHaveLength(1);
  });
  const reason = new Error('enough');
  ending.abort(reason);
  await expect(listing).rejects.toBe(reason);
  await expect(client.get(aPod, ending.signal)).rejects.toBe(reason);
});

it('bounds what it takes in', { timeout: 60_000 }, async () => {
  await using server = await AnApiServer.start();
  await using client = await openCluster(server.cluster, { callMs: 50_000 });
  server.interlude = (_, response) => {
    response.writeHead(200);
    const block = Buffer.alloc(1 << 20, 32);
    const pour = () => {
      while (!response.destroyed && response.write(block));
      if (!response.destroyed) response.once('drain', pour);
    };
    pour();
    return true;
  };
  expect((await refusalOf(client.list(pods, {}, never))).message).toContain('its answer is longer than 64 MiB');
});

it('does not talk to a server that another authority vouches for', async () => {
  await using server = await AnApiServer.start();
  await server.writeKubeconfig({ ca: aCertificate().cert });
  await using client = await openCluster(server.cluster);
  const refused = await refusalOf(client.list(pods, {}, never));
  expect(refused).toMatchObject({ code: 'CLUSTER_UNREACHABLE', remedy: expect.stringContaining('certificate-authority') as string });
  expect(server.asked).toEqual([]);
});

it.each([
  ['nothing', { text: '' }, 'BAD_INPUT', /is no kubeconfig/],
  [
    'a cluster without a server',
    { text: 'clusters: [{ name: c, cluster: {} }]' },
    'BAD_INPUT',
    /clusters\[0\]\.cluster\.server is missing/,
  ],
  ['no current context', { text: 'contexts: []' }, 'BAD_INPUT', /no current-context of its contexts \(it has none\)/],
  [
    'a context without its user',
    {
      text: 'current-context: x\ncontexts: [{ name: x, context: { cluster: c, user: u } }]\nclusters: [{ name: c, cluster: { server: https://h } }]',
    },
    'BAD_INPUT',
    /the user u of the context x is not among its users/,
  ],
  ['a server without TLS', { server: 'http://127.0.0.1:8001' }, 'BAD_INPUT', /http:\/\/127\.0\.0\.1:8001 is no https/],
] as const)('says what is wrong with a kubeconfig that holds %s', async (_, changes, code, message) => {
  await using server = await AnApiServer.start();
  await server.writeKubeconfig(changes);
  const refused = await refusalOf(openCluster(server.cluster));
  expect(refused.code).toBe(code);
  expect(refused.message).toMatch(message);
  expect(refused.message).toContain(server.folder);
});

it('names a context that is not there, and the one that may be meant', async () => {
  await using server = await AnApiServer.start();
  const refused = await refusalOf(openCluster({ ...server.cluster, context: 'hare' }));
  expect(refused).toMatchObject({ code: 'UNKNOWN_NAME', remedy: 'did you mean here?' });
  const missing = await refusalOf(openCluster({ ...server.cluster, kubeconfig: join(server.folder, 'none') }));
  expect(missing.code).toBe('FILE_UNREADABLE');
  expect((await refusalOf(openCluster({ ...server.cluster, kubeconfig: null }))).message).toContain('does not run in a pod');
});
