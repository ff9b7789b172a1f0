// The objects of a lab's cluster as somebody wrote them, read by the cluster's own user: what faults must leave as it was.
import { RESOURCES, type KubeClient, type KubeObject } from '../../src/cluster/kube-client.ts';
import { openCluster } from '../../src/cluster/open-cluster.ts';
import type { Lab } from '../../src/lab/lab.ts';
import { kubeconfigPath } from '../../src/lab/cluster/cluster-files.ts';

const KINDS = ['nodes', 'services', 'deployments', 'bgpAdvertisements', 'bgpPeers', 'ipAddressPools'] as const;

/** A client that may do everything. */
export async function systemClient(lab: Lab): Promise<KubeClient> {
  const { cluster } = lab.environment;
  if (cluster === null) throw new Error('this lab has no cluster');
  return await openCluster({ ...cluster, kubeconfig: kubeconfigPath(lab.stateFolder, 'system') });
}

/** By `kind namespace/name`. What the server counts and notes by itself is left out, and so is what objects say of their state. */
export async function writtenObjects(client: KubeClient): Promise<Record<string, KubeObject>> {
  const objects: Record<string, KubeObject> = {};
  for (const kind of KINDS) {
    for (const object of (await client.list(RESOURCES[kind], {}, AbortSignal.timeout(20_000))) ?? []) {
      const written = structuredClone(object);
      for (const field of ['managedFields', 'resourceVersion', 'generation']) Reflect.deleteProperty(written.metadata, field);
      Reflect.deleteProperty(written, 'status');
      objects[`${kind} ${[written.metadata.namespace, written.metadata.name].filter(Boolean).join('/')}`] = written;
    }
  }
  return objects;
}

const peer = (name: string) => ({ resource: RESOURCES.bgpPeers, namespace: 'metallb-system', name });
const hostname = (operator: 'In' | 'NotIn', node: string) => [
  { matchExpressions: [{ key: 'kubernetes.io/hostname', operator, values: [node] }] },
];

/** The lab's BGPPeer is for the other nodes alone, until disposed. */
export async function keepPeerFrom(client: KubeClient, node: string): Promise<AsyncDisposable> {
  const { nodeSelectors = null } = await peerSpec(client);
  const select = (value: unknown) =>
    client.patch(peer('tor'), { kind: 'merge', body: { spec: { nodeSelectors: value } } }, {}, AbortSignal.timeout(20_000));
  await select(hostname('NotIn', node));
  return {
    async [Symbol.asyncDispose]() {
      await select(nodeSelectors);
    },
  };
}

/** A node asks for a session with an AS number that is not its router's, until disposed. */
export async function aWrongAsn(client: KubeClient, node: string): Promise<AsyncDisposable> {
  const spec = await peerSpec(client);
  await using open = new AsyncDisposableStack();
  open.use(await keepPeerFrom(client, node));
  const wrong = {
    apiVersion: 'metallb.io/v1beta2',
    kind: 'BGPPeer',
    metadata: { namespace: 'metallb-system', name: 'wrong-asn' },
    spec: { ...spec, peerASN: 64_999, nodeSelectors: hostname('In', node) },
  };
  await client.create(RESOURCES.bgpPeers, wrong, {}, AbortSignal.timeout(20_000));
  open.defer(async () => {
    await client.remove(peer('wrong-asn'), {}, AbortSignal.timeout(20_000));
  });
  return open.move();
}

async function peerSpec(client: KubeClient): Promise<Record<string, unknown>> {
  return (await client.get(peer('tor'), AbortSignal.timeout(20_000)))?.spec as Record<string, unknown>;
}
