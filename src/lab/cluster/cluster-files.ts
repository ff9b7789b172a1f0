// Where a cluster lab keeps what its programs read and write, all of it in the lab's folder: pure.
import { join } from 'node:path';

/** Who may ask the lab's API server; each has a kubeconfig. `system` is a member of system:masters: it is the cluster itself. */
export const CLUSTER_USERS = ['holdfast', 'holdfast-keeper', 'system'] as const;
export type ClusterUser = (typeof CLUSTER_USERS)[number];

const KUBECONFIGS: Record<ClusterUser, string> = {
  holdfast: 'kubeconfig',
  'holdfast-keeper': 'keeper.kubeconfig',
  system: 'system.kubeconfig',
};

/** Path of a user's kubeconfig. */
export function kubeconfigPath(stateFolder: string, user: ClusterUser): string {
  return join(stateFolder, KUBECONFIGS[user]);
}

/** Paths of everything else. */
export function clusterFiles(stateFolder: string) {
  const inside = (...path: string[]) => join(stateFolder, 'cluster', ...path);
  return {
    folder: inside(),
    etcd: inside('etcd'),
    /** The API server makes its own key and certificate here. */
    certificates: inside('certificates'),
    certificate: inside('certificates', 'apiserver.crt'),
    certificateKey: inside('certificates', 'apiserver.key'),
    /** Key that service accounts' tokens would be signed with; nobody gets one, but the API server wants it. */
    accountKey: inside('service-account.key'),
    tokens: inside('tokens.csv'),
    programs: inside('programs.json'),
    logs: inside('logs'),
    log: (name: string) => inside('logs', `${name}.log`),
    /** Unix socket that leads to the API server from outside the lab's namespaces. */
    socket: join(stateFolder, 'kube.sock'),
  };
}
