// One's own network as an environment file names it, in the form that a run uses.
import { familyOf } from '../core/addresses.ts';
import type { Environment, OwnEnvironmentFile } from '../core/environment.ts';

/** Everything lies on this machine as it is: no namespace, no lab. The key stays out of it. */
export function resolveOwnEnvironment(file: OwnEnvironmentFile, name: string): Environment {
  return {
    name,
    title: file.title,
    lab: null,
    vantages: file.vantages.map((vantage) => ({ ...vantage, netns: null })),
    vips: file.vips.map((vip) => ({ ...vip, family: familyOf(vip.address), service: vip.service ?? null })),
    nodes: file.nodes.map((node) => ({ ...node, netns: null, uplink: null })),
    routers: file.routers.map((router) => ({ ...router, netns: null })),
    ...(file.ecmp && { ecmp: file.ecmp }),
    cluster: file.cluster
      ? {
          kubeconfig: file.cluster.kubeconfig ?? null,
          context: file.cluster.context ?? null,
          socket: null,
          metallbNamespace: file.cluster.metallbNamespace,
        }
      : null,
    keeperSocket: file.keeper?.socket ?? null,
    observers: file.observers,
  };
}
