// What Holdfast asks of a Kubernetes API server: a few verbs over plain objects, each of which ends when its signal aborts.

import type { ClusterObject, ClusterSelection } from '../core/cluster-control.ts';

/** Any object of the API, with what faults do not ask for; readers take out what they need with schemas of their own. */
export type KubeObject = ClusterObject & {
  apiVersion?: string;
  kind?: string;
  metadata: { creationTimestamp?: string; deletionGracePeriodSeconds?: number };
};

/** A kind of object as the API's paths name it. `group` is empty for the core API. */
export type Resource = { group: string; version: string; plural: string; namespaced: boolean };

/** The kinds that Holdfast reads or changes. */
export const RESOURCES = {
  pods: { group: '', version: 'v1', plural: 'pods', namespaced: true },
  nodes: { group: '', version: 'v1', plural: 'nodes', namespaced: false },
  services: { group: '', version: 'v1', plural: 'services', namespaced: true },
  endpointSlices: { group: 'discovery.k8s.io', version: 'v1', plural: 'endpointslices', namespaced: true },
  deployments: { group: 'apps', version: 'v1', plural: 'deployments', namespaced: true },
  bgpPeers: { group: 'metallb.io', version: 'v1beta2', plural: 'bgppeers', namespaced: true },
  bgpAdvertisements: { group: 'metallb.io', version: 'v1beta1', plural: 'bgpadvertisements', namespaced: true },
  ipAddressPools: { group: 'metallb.io', version: 'v1beta1', plural: 'ipaddresspools', namespaced: true },
  serviceBgpStatuses: { group: 'metallb.io', version: 'v1beta1', plural: 'servicebgpstatuses', namespaced: true },
  configurationStates: { group: 'metallb.io', version: 'v1beta1', plural: 'configurationstates', namespaced: true },
  bgpSessionStates: { group: 'frrk8s.metallb.io', version: 'v1beta1', plural: 'bgpsessionstates', namespaced: true },
} as const satisfies Record<string, Resource>;

export type ObjectRef = { resource: Resource; namespace?: string; name: string };
export type Selection = ClusterSelection;
export type PatchKind = 'merge' | 'json' | 'strategic' | 'apply';
/** `uid`, `resourceVersion`: the call is refused with CONFLICT when the object is another one by now. */
export type WriteOptions = { dryRun?: boolean; uid?: string; resourceVersion?: string };

/** How a followed list changes. */
export type Following = {
  /** Everything, at first and whenever changes may have been missed. Not known: the server has no such kind (yet). */
  onSync(items: readonly KubeObject[], isKindKnown: boolean): void;
  onChange(change: { type: 'ADDED' | 'MODIFIED' | 'DELETED'; object: KubeObject }): void;
  /** The API server cannot be reached, or refuses; told once until the next `onSync`. */
  onBlind(reason: string): void;
};

export type AccessQuestion = { verb: string; resource: Resource; subresource?: string; namespace?: string };

/**
 * A connection to one API server.
 * Failures are AppErrors: CLUSTER_UNREACHABLE, CLUSTER_REFUSED (with the server's own words), CONFLICT (409), TARGET_GONE (a write's 404
 * by which the API server itself names the object; any other 404 is CLUSTER_UNREACHABLE).
 */
export type KubeClient = AsyncDisposable & {
  /** Null when there is no such object, or the server knows no such kind. */
  get(ref: ObjectRef, signal: AbortSignal): Promise<KubeObject | null>;
  /** All of them, page by page; null when the server knows no such kind (MetalLB's status objects of a newer version). */
  list(resource: Resource, selection: Selection, signal: AbortSignal): Promise<KubeObject[] | null>;
  /**
   * Lists and watches until disposed; survives 410, idle connections and restarts of the API server.
   * Resolves after the first `onSync` or `onBlind`.
   */
  follow(resource: Resource, selection: Selection, following: Following): Promise<AsyncDisposable>;
  create(resource: Resource, object: KubeObject, options: WriteOptions, signal: AbortSignal): Promise<KubeObject>;
  patch(
    ref: ObjectRef & { subresource?: string },
    change: { kind: PatchKind; body: unknown },
    options: WriteOptions,
    signal: AbortSignal,
  ): Promise<KubeObject>;
  /** An object that is gone already is no error. */
  remove(ref: ObjectRef, options: WriteOptions & { gracePeriodSeconds?: number }, signal: AbortSignal): Promise<void>;
  /** The eviction subresource of a pod. `blocked`: a PodDisruptionBudget forbids it now (429), in the server's words. */
  evict(
    ref: { namespace: string; name: string },
    options: WriteOptions,
    signal: AbortSignal,
  ): Promise<{ kind: 'evicted' | 'gone' } | { kind: 'blocked'; why: string }>;
  /** SelfSubjectAccessReview. */
  mayI(question: AccessQuestion, signal: AbortSignal): Promise<boolean>;
};
