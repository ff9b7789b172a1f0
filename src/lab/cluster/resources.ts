// The kinds of object that a lab makes in its cluster, and where the API has them: pure.
import { type KubeObject, RESOURCES, type Resource } from '../../cluster/kube-client.ts';

const BY_KIND: Readonly<Record<string, Resource>> = {
  BGPAdvertisement: RESOURCES.bgpAdvertisements,
  BGPPeer: RESOURCES.bgpPeers,
  ClusterRole: { group: 'rbac.authorization.k8s.io', version: 'v1', plural: 'clusterroles', namespaced: false },
  ClusterRoleBinding: { group: 'rbac.authorization.k8s.io', version: 'v1', plural: 'clusterrolebindings', namespaced: false },
  CustomResourceDefinition: { group: 'apiextensions.k8s.io', version: 'v1', plural: 'customresourcedefinitions', namespaced: false },
  DaemonSet: { group: 'apps', version: 'v1', plural: 'daemonsets', namespaced: true },
  Deployment: RESOURCES.deployments,
  IPAddressPool: RESOURCES.ipAddressPools,
  Namespace: { group: '', version: 'v1', plural: 'namespaces', namespaced: false },
  Pod: RESOURCES.pods,
  PodDisruptionBudget: { group: 'policy', version: 'v1', plural: 'poddisruptionbudgets', namespaced: true },
  RoleBinding: { group: 'rbac.authorization.k8s.io', version: 'v1', plural: 'rolebindings', namespaced: true },
  Service: RESOURCES.services,
};

/** Where an object belongs. @throws Error for a kind that no lab makes: a mistake of the caller */
export function resourceOf({ kind = 'nothing' }: KubeObject): Resource {
  const resource = BY_KIND[kind];
  if (resource) return resource;
  throw new Error(`a lab makes no ${kind}`);
}
