// What a fault may ask of a Kubernetes cluster: a few verbs over plain objects, named by their kind as the API's paths spell it.
//
// Failures are AppErrors: CLUSTER_UNREACHABLE, CLUSTER_REFUSED (in the server's own words), CONFLICT (the object is not what was expected).

/** The kinds that faults read or change. */
export type ClusterKind = 'pods' | 'nodes' | 'services' | 'endpointSlices' | 'deployments' | 'bgpAdvertisements';

/** `namespace` is null for kinds that have none. */
export type ClusterRef = { kind: ClusterKind; namespace: string | null; name: string };

/** An object of the API; readers take out what they need with schemas of their own. */
export type ClusterObject = {
  metadata: {
    name: string;
    namespace?: string;
    uid?: string;
    resourceVersion?: string;
    generation?: number;
    labels?: Record<string, string>;
    annotations?: Record<string, string>;
    deletionTimestamp?: string;
    ownerReferences?: { kind: string; name: string; uid: string; controller?: boolean }[];
  };
  [field: string]: unknown;
};

export type ClusterSelection = { namespace?: string; labelSelector?: string; fieldSelector?: string };

/** An operation of a JSON Patch (RFC 6902). */
export type PatchOperation = { op: 'add' | 'replace'; path: string; value: unknown } | { op: 'remove'; path: string };

export type ClusterQuestion = { verb: string; kind: ClusterKind; subresource?: string; namespace?: string };

/** Every call ends when `signal` aborts. */
export type ClusterControl = {
  /** Null: there is no such object. */
  get(ref: ClusterRef, signal: AbortSignal): Promise<ClusterObject | null>;
  /** None where the server knows no such kind. */
  list(kind: ClusterKind, selection: ClusterSelection, signal: AbortSignal): Promise<ClusterObject[]>;
  /** Taken as a whole or not at all. @throws AppError CONFLICT when the object is not the expected one, or was changed since */
  patch(
    ref: ClusterRef,
    change: readonly PatchOperation[],
    expected: { uid: string; resourceVersion: string },
    signal: AbortSignal,
  ): Promise<void>;
  /** @throws AppError CONFLICT when there is one of that name */
  create(kind: ClusterKind, object: ClusterObject, signal: AbortSignal): Promise<void>;
  /** An object that is gone already is no error. @throws AppError CONFLICT when another one bears its name by now */
  remove(ref: ClusterRef, expected: { uid: string }, signal: AbortSignal): Promise<void>;
  /** `blocked`: a PodDisruptionBudget forbids it now, in the server's words. */
  evict(
    pod: { namespace: string; name: string; uid: string },
    options: { dryRun: boolean },
    signal: AbortSignal,
  ): Promise<{ kind: 'evicted' | 'gone' } | { kind: 'blocked'; why: string }>;
  /** Whether the API server would allow it to whoever this connection is. */
  mayI(question: ClusterQuestion, signal: AbortSignal): Promise<boolean>;
};

/** `default/web`, or the name alone. */
export function nameOf({ namespace, name }: Pick<ClusterRef, 'namespace' | 'name'>): string {
  return namespace === null ? name : `${namespace}/${name}`;
}
