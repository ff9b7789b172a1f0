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

/** A node whose session asks for an AS number that is not its router's, until disposed. */
export async function aWrongAsn(client: KubeClient, node: string): Promise<AsyncDisposable> {
  const signal = () => AbortSignal.timeout(20_000);
  const peer = (name: string) => ({ resource: RESOURCES.bgpPeers, namespace: 'metallb-system', name });
  const but = (operator: 'In' | 'NotIn') => [{ matchExpressions: [{ key: 'kubernetes.io/hostname', operator, values: [node] }] }];
  const spec = (await client.get(peer('tor'), signal()))?.spec as Record<string, unknown>;
  const select = (nodeSelectors: unknown) => client.patch(peer('tor'), { kind: 'merge', body: { spec: { nodeSelectors } } }, {}, signal());
  await using undo = new AsyncDisposableStack();
  undo.defer(async () => {
    await select(spec.nodeSelectors ?? null);
  });
  await select(but('NotIn'));
  undo.defer(async () => {
    await client.remove(peer('wrong-asn'), {}, signal());
  });
  const wrong = {
    apiVersion: 'metallb.io/v1beta2',
    kind: 'BGPPeer',
    metadata: { namespace: 'metallb-system', name: 'wrong-asn' },
    spec: { ...spec, peerASN: 64_999, nodeSelectors: but('In') },
  };
  await client.create(RESOURCES.bgpPeers, wrong, {}, signal());
  return undo.move();
}
