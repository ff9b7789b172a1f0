// Who may do what in a lab's cluster: Holdfast's users have the roles of deploy/kubernetes, and nothing else. Pure.
import type { KubeObject } from '../../cluster/kube-client.ts';
import type { ClusterUser } from './cluster-files.ts';

/** Roles of deploy/kubernetes by user. */
const ROLES: Partial<Record<ClusterUser, readonly string[]>> = {
  holdfast: ['holdfast-reader'],
  'holdfast-keeper': ['holdfast-reader', 'holdfast-keeper'],
};

/** A binding for each user and role. */
export function roleBindings(): KubeObject[] {
  return Object.entries(ROLES).flatMap(([user, roles]) =>
    roles.map((role) => ({
      apiVersion: 'rbac.authorization.k8s.io/v1',
      kind: 'ClusterRoleBinding',
      metadata: { name: user === role ? user : `${user}-${role}` },
      roleRef: { apiGroup: 'rbac.authorization.k8s.io', kind: 'ClusterRole', name: role },
      subjects: [{ apiGroup: 'rbac.authorization.k8s.io', kind: 'User', name: user }],
    })),
  );
}
