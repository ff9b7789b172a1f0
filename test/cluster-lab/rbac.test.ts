// The roles of deploy/kubernetes on a real API server: each of the lab's users can do exactly what its role says, and none of its neighbours.
import { expect, test } from 'vitest';
import { missingAccess, questionsOf, refuseWithoutAccess } from '../../src/cluster/access.ts';
import { type AccessQuestion, type KubeClient, RESOURCES, type Resource } from '../../src/cluster/kube-client.ts';
import { openCluster } from '../../src/cluster/open-cluster.ts';
import { listsToRead } from '../../src/cluster/read-lists.ts';
import { AppError } from '../../src/core/errors.ts';
import { kubeconfigPath } from '../../src/lab/cluster/cluster-files.ts';
import { theClusterLab } from '../support/a-cluster-lab.ts';

const DEFAULT = 'default';
const METALLB = 'metallb-system';
const SECRETS: Resource = { group: '', version: 'v1', plural: 'secrets', namespaced: true };
const CONFIG_MAPS: Resource = { ...SECRETS, plural: 'configmaps' };
const NAMESPACES: Resource = { ...SECRETS, plural: 'namespaces', namespaced: false };
const ROLES: Resource = { group: 'rbac.authorization.k8s.io', version: 'v1', plural: 'clusterroles', namespaced: false };
const { pods, nodes, services, endpointSlices, deployments, bgpPeers, bgpAdvertisements, ipAddressPools } = RESOURCES;

const READ: Resource[] = [
  ...[pods, nodes, services, endpointSlices, deployments, bgpPeers, bgpAdvertisements, ipAddressPools],
  ...[RESOURCES.serviceBgpStatuses, RESOURCES.configurationStates, RESOURCES.bgpSessionStates],
];
const WRITES: AccessQuestion[] = [
  { verb: 'patch', resource: nodes },
  { verb: 'create', resource: pods, subresource: 'eviction', namespace: DEFAULT },
  { verb: 'create', resource: pods, subresource: 'eviction', namespace: 'elsewhere' },
  { verb: 'delete', resource: pods, namespace: METALLB },
  { verb: 'patch', resource: bgpAdvertisements, namespace: METALLB },
  ...['create', 'patch', 'delete'].map((verb) => ({ verb, resource: services, namespace: DEFAULT })),
  { verb: 'patch', resource: deployments, namespace: DEFAULT },
];
const NEIGHBOURS: AccessQuestion[] = [
  ...['get', 'list', 'watch'].flatMap((verb) => [SECRETS, CONFIG_MAPS].map((resource) => ({ verb, resource, namespace: DEFAULT }))),
  ...['create', 'update', 'delete', 'deletecollection'].map((verb) => ({ verb, resource: nodes })),
  { verb: 'patch', resource: nodes, subresource: 'status' },
  ...['create', 'patch', 'update', 'delete'].map((verb) => ({ verb, resource: pods, namespace: DEFAULT })),
  { verb: 'create', resource: pods, subresource: 'exec', namespace: DEFAULT },
  ...['create', 'patch', 'deletecollection'].map((verb) => ({ verb, resource: pods, namespace: METALLB })),
  ...['create', 'patch', 'delete'].map((verb) => ({ verb, resource: services, namespace: 'elsewhere' })),
  { verb: 'update', resource: services, namespace: DEFAULT },
  { verb: 'patch', resource: services, subresource: 'status', namespace: DEFAULT },
  ...['create', 'delete', 'update'].map((verb) => ({ verb, resource: deployments, namespace: DEFAULT })),
  { verb: 'patch', resource: deployments, namespace: METALLB },
  { verb: 'patch', resource: endpointSlices, namespace: DEFAULT },
  ...['create', 'delete', 'update'].map((verb) => ({ verb, resource: bgpAdvertisements, namespace: METALLB })),
  ...[bgpPeers, ipAddressPools].flatMap((resource) =>
    ['create', 'patch', 'delete'].map((verb) => ({ verb, resource, namespace: METALLB })),
  ),
  ...[NAMESPACES, ROLES].flatMap((resource) => ['create', 'patch', 'delete', 'bind', 'escalate'].map((verb) => ({ verb, resource }))),
  { verb: 'impersonate', resource: { ...NAMESPACES, plural: 'users' } },
];

async function clientOf(user: 'holdfast' | 'holdfast-keeper'): Promise<KubeClient> {
  const { environment, stateFolder } = theClusterLab();
  if (environment.cluster === null) throw new Error('this lab has no cluster');
  return await openCluster({ ...environment.cluster, kubeconfig: kubeconfigPath(stateFolder, user) });
}

const limit = () => AbortSignal.timeout(60_000);
/** Those that the API server answers as `expected` is not. */
async function deviating(client: KubeClient, questions: readonly AccessQuestion[], expected: boolean): Promise<AccessQuestion[]> {
  const answers = await Promise.all(questions.map((question) => client.mayI(question, limit())));
  return questions.filter((_, index) => answers[index] !== expected);
}

test('who observes may read what is observed, everywhere, and change nothing', async () => {
  await using client = await clientOf('holdfast');
  const reads = READ.flatMap((resource) => ['get', 'list', 'watch'].map((verb) => ({ verb, resource })));
  expect(await deviating(client, reads, true)).toEqual([]);
  expect(await deviating(client, [...WRITES, ...NEIGHBOURS], false)).toEqual([]);
});

test('the keeper may do what faults need, where they need it, and nothing beside it', async () => {
  await using client = await clientOf('holdfast-keeper');
  expect(await deviating(client, WRITES, true)).toEqual([]);
  expect(await deviating(client, NEIGHBOURS, false)).toEqual([]);
});

test('a role’s verbs are enough for the calls themselves, and what is not granted is refused in the server’s words', async () => {
  await using keeper = await clientOf('holdfast-keeper');
  await using reader = await clientOf('holdfast');
  const [node] = (await reader.list(nodes, {}, limit())) ?? [];
  const ref = { resource: nodes, name: node?.metadata.name ?? '' };
  const change = { kind: 'merge', body: { metadata: { annotations: { 'holdfast.io/tried': 'yes' } } } } as const;
  await keeper.patch(ref, change, { dryRun: true, ...(node?.metadata.uid === undefined ? {} : { uid: node.metadata.uid }) }, limit());
  await expect(keeper.patch(ref, change, { dryRun: true, uid: 'another' }, limit())).rejects.toMatchObject({ code: 'CONFLICT' });
  await expect(reader.patch(ref, change, { dryRun: true }, limit())).rejects.toMatchObject({
    code: 'CLUSTER_REFUSED',
    message: expect.stringMatching(/does not allow to patch nodes n1: nodes "n1" is forbidden: User "holdfast" cannot patch/) as string,
  });
  const [pod] = (await reader.list(pods, { namespace: DEFAULT }, limit())) ?? [];
  const { name = '', uid = '' } = pod?.metadata ?? {};
  expect((await keeper.evict({ namespace: DEFAULT, name }, { dryRun: true, uid }, limit())).kind).toMatch(/evicted|blocked/);
  await expect(keeper.remove({ resource: pods, namespace: DEFAULT, name }, { dryRun: true, uid }, limit())).rejects.toThrow('delete pods');
  await expect(reader.list(SECRETS, {}, limit())).rejects.toBeInstanceOf(AppError);
  const service = (type: string) => ({ metadata: { name: 'tried', namespace: DEFAULT }, spec: { type, ports: [{ port: 7000 }] } });
  const made = await keeper.create(services, service('ClusterIP'), { dryRun: true }, limit());
  expect(made.metadata.uid).toBeDefined();
});

test('what is missing is told at once and in words, before anything is opened', async () => {
  await using client = await clientOf('holdfast');
  const lists = listsToRead(theClusterLab().environment.vips, METALLB);
  expect(await missingAccess(client, questionsOf(lists), limit())).toEqual([]);
  const more = { ...lists, secrets: { resource: SECRETS, selections: [{ namespace: DEFAULT }] } };
  await expect(refuseWithoutAccess('the observer', client, more, limit())).rejects.toMatchObject({
    code: 'NOT_PERMITTED',
    message: 'the observer may not list and watch secrets in default',
  });
});
