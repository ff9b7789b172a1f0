// From a pod to the command line and environment of its process, with $(NAME) expanded as Kubernetes does: pure.
import type { PodPlan } from './pod.ts';

/** The variable that every process of a pod inherits, whatever becomes of its parents: how they are found again. */
export const POD_VARIABLE = 'HOLDFAST_LAB_POD';

/** Addresses that a pod may ask for; the first of each is the one in the singular. */
export type PodAddresses = { podIps: readonly string[]; hostIps: readonly string[] };
export type PodCommand = { argv: [string, ...string[]]; env: Record<string, string> };

/**
 * What to start for a pod.
 * @param machine what every process gets, such as PATH; the pod's own variables go before them
 */
export function commandOf(plan: PodPlan, addresses: PodAddresses, machine: Readonly<Record<string, string>>): PodCommand {
  const own: Record<string, string> = {};
  // In order: a variable may name those before it.
  for (const variable of plan.container.env) {
    own[variable.name] = 'field' in variable ? fieldOf(plan, addresses, variable.field) : expand(variable.value, own);
  }
  const [file, ...rest] = plan.container.command.map((word) => expand(word, own));
  return { argv: [file ?? '', ...rest], env: { ...machine, ...own, [POD_VARIABLE]: plan.uid } };
}

/** `$(NAME)` becomes the variable's value, or stays where there is none; `$$` becomes `$` (k8s.io/kubernetes/third_party/forked/golang/expansion). */
export function expand(text: string, variables: Readonly<Record<string, string>>): string {
  return text.replace(/\$(?:\$|\(([^)]*)\))/g, (whole, name: string | undefined) =>
    name === undefined ? '$' : Object.hasOwn(variables, name) ? (variables[name] ?? '') : whole,
  );
}

function fieldOf(plan: PodPlan, { podIps, hostIps }: PodAddresses, field: string): string {
  const [, map, key] = /^metadata\.(labels|annotations)\['([^']+)'\]$/.exec(field) ?? [];
  if (map !== undefined && key !== undefined) return plan[map as 'labels' | 'annotations'][key] ?? '';
  switch (field) {
    case 'metadata.name':
      return plan.name;
    case 'metadata.namespace':
      return plan.namespace;
    case 'metadata.uid':
      return plan.uid;
    case 'spec.nodeName':
      return plan.nodeName;
    case 'spec.serviceAccountName':
      return plan.serviceAccount;
    case 'status.podIP':
      return podIps[0] ?? '';
    case 'status.podIPs':
      return podIps.join(',');
    case 'status.hostIP':
      return hostIps[0] ?? '';
    case 'status.hostIPs':
      return hostIps.join(',');
    default:
      throw new Error(`a pod was let in with a variable from ${field}`);
  }
}
