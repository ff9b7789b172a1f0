// Who may do what in a lab's cluster: Holdfast's users have the roles of deploy/kubernetes, and nothing else. Pure.
import type { KubeObject } from '../../cluster/kube-client.ts';
import type { ClusterUser } from './cluster-files.ts';
import { METALLB_NAMESPACE } from './metallb-objects.ts';
import { WEB } from './web-objects.ts';

/** A role of deploy/kubernetes; `namespace` null: in the whole cluster. */
type Grant = { user: ClusterUser; role: string; namespace: string | null };
const GRANTS: readonly Grant[] = [
  { user: 'holdfast', role: 'holdfast-reader', namespace: null },
  { user: 'holdfast-keeper', role: 'holdfast-reader', namespace: null },
  { user: 'holdfast-keeper', role: 'holdfast-keeper', namespace: null },
  { user: 'holdfast-keeper', role: 'holdfast-keeper-services', namespace: WEB.namespace },
  { user: 'holdfast-keeper', role: 'holdfast-keeper-metallb', namespace: METALLB_NAMESPACE },
];

/** A binding for each user and role. */
export function roleBindings(): KubeObject[] {
  return GRANTS.map(({ user, role, namespace }) => ({
    apiVersion: 'rbac.authorization.k8s.io/v1',
    kind: namespace === null ? 'ClusterRoleBinding' : 'RoleBinding',
    metadata: { name: user === role ? user : `${user}-${role}`, ...(namespace === null ? {} : { namespace }) },
    roleRef: { apiGroup: 'rbac.authorization.k8s.io', kind: 'ClusterRole', name: role },
    subjects: [{ apiGroup: 'rbac.authorization.k8s.io', kind: 'User', name: user }],
  }));
}
