// The lab's credentials as text: who holds which token, and how to reach the API server with it. Pure.
import type { ControlPlane } from '../address-plan.ts';
import type { ClusterUser } from './cluster-files.ts';

/** Port of the API server. */
export const API_PORT = 6443;

/** A token for each user. */
export type Tokens = Readonly<Record<ClusterUser, string>>;

const GROUPS: Record<ClusterUser, string> = { holdfast: 'holdfast', 'holdfast-keeper': 'holdfast', system: 'system:masters' };

/** The API server's static token file: token, user, uid, "groups". */
export function tokenFile(tokens: Tokens): string {
  return Object.entries(tokens)
    .map(([user, token]) => `${token},${user},${user},"${GROUPS[user as ClusterUser]}"\n`)
    .join('');
}

/**
 * A kubeconfig (JSON, which is YAML).
 * @param certificate the API server's certificates as PEM: self-signed, so that they vouch for themselves
 */
export function kubeconfigText(options: { controlPlane: ControlPlane; user: ClusterUser; token: string; certificate: string }): string {
  const { controlPlane, user, token, certificate } = options;
  const config = {
    apiVersion: 'v1',
    kind: 'Config',
    clusters: [
      {
        name: 'lab',
        cluster: {
          server: `https://${controlPlane.address}:${String(API_PORT)}`,
          'certificate-authority-data': Buffer.from(certificate).toString('base64'),
        },
      },
    ],
    users: [{ name: user, user: { token } }],
    contexts: [{ name: 'lab', context: { cluster: 'lab', user } }],
    'current-context': 'lab',
  };
  return `${JSON.stringify(config, null, 2)}\n`;
}
