// A cluster in memory: objects as an API server stores them, and as much of Kubernetes' and MetalLB's work as a test asks for.
import type { ClusterControl, ClusterKind, ClusterObject, ClusterSelection, PatchOperation } from '../../src/core/cluster-control.ts';
import { AppError } from '../../src/core/errors.ts';

type Stored = ClusterObject & { metadata: { uid: string; resourceVersion: string } };

/** What the schema of MetalLB's CRD adds to a spec, and to nothing where there is no spec. */
const ADVERTISEMENT_DEFAULTS = { aggregationLength: 32, aggregationLengthV6: 128 };

/** Nodes n1…, on each a speaker and a pod of the Deployment `web`, behind the Service `web`; one BGPAdvertisement `all`. */
export class SmallCluster {
  readonly #objects = new Map<string, Stored>();
  #version = 1_000;
  #uid = 0;
  /** By pod name: why its eviction is not allowed. */
  readonly budgets = new Map<string, string>();
  /** `verb kind` that the credentials do not allow. */
  readonly forbidden = new Set<string>();
  /** Somebody else's work, right before each patch. */
  beforePatch: () => void = () => undefined;

  constructor(nodes: readonly string[]) {
    for (const node of nodes) {
      this.put('nodes', {
        metadata: { name: node, labels: { 'kubernetes.io/hostname': `host-${node}`, zone: 'a' } },
        spec: { podCIDR: '10.244.0.0/24' },
      });
      this.addPod('metallb-system', `speaker-${node}`, node, 'DaemonSet', { component: 'speaker' });
      this.addPod('default', `web-${node}`, node, 'ReplicaSet', { app: 'web' });
    }
    this.put('services', {
      metadata: { name: 'web', namespace: 'default' },
      spec: {
        type: 'LoadBalancer',
        externalTrafficPolicy: 'Local',
        healthCheckNodePort: 31_000,
        selector: { app: 'web' },
        ports: [{ port: 7_000, protocol: 'TCP', targetPort: 7_000 }],
      },
      status: { loadBalancer: { ingress: [{ ip: '10.1.0.1' }] } },
    });
    this.put('endpointSlices', {
      metadata: { name: 'web-1', namespace: 'default', labels: { 'kubernetes.io/service-name': 'web' } },
      addressType: 'IPv4',
      endpoints: nodes.map((nodeName) => ({ nodeName, conditions: { ready: true } })),
    });
    this.put('deployments', {
      metadata: { name: 'web', namespace: 'default', generation: 1 },
      spec: { replicas: nodes.length, selector: { matchLabels: { app: 'web' } }, template: { metadata: { labels: { app: 'web' } } } },
      status: { observedGeneration: 1, replicas: nodes.length, updatedReplicas: nodes.length, availableReplicas: nodes.length },
    });
    this.put('bgpAdvertisements', { metadata: { name: 'all', namespace: 'metallb-system' }, spec: { ipAddressPools: ['pool'] } });
  }

  /** As a client of its API; `act` stands before every change and may swallow it. */
  control(
    act: (text: string, signal: AbortSignal, change: () => void) => Promise<void> = async (_, __, change) => {
      change();
      await Promise.resolve();
    },
  ): ClusterControl {
    return {
      get: (ref) => Promise.resolve(this.get(ref.kind, ref.name, ref.namespace)),
      list: (kind, selection) => Promise.resolve(this.list(kind, selection)),
      patch: async (ref, change, expected, signal) => {
        this.beforePatch();
        await act(`patch ${ref.kind} ${named(ref.namespace, ref.name)}`, signal, () => {
          this.patch(ref.kind, [ref.namespace, ref.name], change, expected);
        });
      },
      create: async (kind, object, signal) => {
        await act(`create ${kind} ${named(object.metadata.namespace, object.metadata.name)}`, signal, () => {
          this.create(kind, object);
        });
      },
      remove: async (ref, { uid }, signal) => {
        await act(`remove ${ref.kind} ${named(ref.namespace, ref.name)}`, signal, () => {
          this.remove(ref.kind, [ref.namespace, ref.name], uid);
        });
      },
      evict: async ({ namespace, name, uid }, { dryRun }, signal) => {
        const why = this.budgets.get(name);
        if (why !== undefined) return { kind: 'blocked', why };
        if (dryRun) return { kind: 'evicted' };
        await act(`evict pods ${named(namespace, name)}`, signal, () => {
          this.remove('pods', [namespace, name], uid);
        });
        return { kind: 'evicted' };
      },
      mayI: ({ verb, kind }) => Promise.resolve(!this.forbidden.has(`${verb} ${kind}`)),
    };
  }

  get(kind: ClusterKind, name: string, namespace: string | null = null): Stored | null {
    return structuredClone(this.#objects.get(keyOf(kind, namespace, name)) ?? null);
  }

  list(kind: ClusterKind, { namespace, labelSelector = '', fieldSelector = '' }: ClusterSelection): Stored[] {
    const [field = '', value = ''] = fieldSelector.split('=');
    return [...this.#objects]
      .filter(([key, { metadata }]) => key.startsWith(`${kind} `) && (namespace === undefined || metadata.namespace === namespace))
      .map(([, object]) => structuredClone(object))
      .filter((object) => field === '' || textAt(object, field.split('.')) === value)
      .filter(({ metadata }) => isSelected(labelSelector, metadata.labels ?? {}));
  }

  /** Adds or replaces an object, as somebody else would; a new one gets a UID. */
  put(kind: ClusterKind, object: ClusterObject): Stored {
    const key = keyOf(kind, object.metadata.namespace ?? null, object.metadata.name);
    const uid = object.metadata.uid ?? this.#objects.get(key)?.metadata.uid ?? `uid-${String((this.#uid += 1))}`;
    const spec = kind === 'bgpAdvertisements' && object.spec ? { spec: { ...ADVERTISEMENT_DEFAULTS, ...object.spec } } : {};
    const stored = { ...object, ...spec, metadata: { ...object.metadata, uid, resourceVersion: String((this.#version += 1)) } };
    this.#objects.set(key, structuredClone(stored));
    return stored;
  }

  /** Changes an object as somebody else would. */
  edit(kind: ClusterKind, [namespace, name]: readonly [string | null, string], change: (object: Stored) => void): void {
    const object = this.get(kind, name, namespace);
    if (object === null) throw new Error(`no ${kind} ${name}`);
    change(object);
    this.put(kind, object);
  }

  /** Deletes an object and makes another one of the same name. */
  replace(kind: ClusterKind, [namespace, name]: readonly [string | null, string]): void {
    const object = this.get(kind, name, namespace);
    if (object === null) throw new Error(`no ${kind} ${name}`);
    this.delete(kind, [namespace, name]);
    Reflect.deleteProperty(object.metadata, 'uid');
    this.put(kind, object);
  }

  delete(kind: ClusterKind, [namespace, name]: readonly [string | null, string]): void {
    this.#objects.delete(keyOf(kind, namespace, name));
  }

  create(kind: ClusterKind, object: ClusterObject): void {
    const { namespace = null, name } = object.metadata;
    if (this.get(kind, name, namespace)) throw new AppError('CONFLICT', `${kind} "${name}" already exists`);
    const status = kind === 'services' ? { status: { loadBalancer: { ingress: [{ ip: '10.1.0.9' }] } } } : {};
    this.put(kind, { ...object, ...status });
  }

  remove(kind: ClusterKind, [namespace, name]: readonly [string | null, string], uid: string): void {
    const object = this.get(kind, name, namespace);
    if (object === null) return;
    if (object.metadata.uid !== uid) throw new AppError('CONFLICT', `${kind} "${name}" is another one`);
    this.delete(kind, [namespace, name]);
  }

  patch(
    kind: ClusterKind,
    [namespace, name]: readonly [string | null, string],
    change: readonly PatchOperation[],
    expected: { uid: string; resourceVersion: string },
  ): void {
    const object = this.get(kind, name, namespace);
    if (object === null) throw new AppError('TARGET_GONE', `no ${kind} ${name}`);
    const { uid, resourceVersion } = object.metadata;
    if (uid !== expected.uid || resourceVersion !== expected.resourceVersion) throw new AppError('CONFLICT', `${kind} ${name} was changed`);
    for (const operation of change) patched(object, operation);
    if (kind === 'services') ownHealthPort(object);
    // Of a Deployment a change of its annotations counts too.
    if (kind === 'deployments') object.metadata.generation = (object.metadata.generation ?? 0) + 1;
    this.put(kind, withoutEmptyMaps(object));
  }

  /** What Kubernetes' controllers do: pods that are missing come back on nodes that take them, and rollouts end. */
  settle(): void {
    for (const { metadata, spec } of this.list('nodes', {})) {
      const isTaking = (spec as { unschedulable?: boolean }).unschedulable !== true;
      if (!this.get('pods', `speaker-${metadata.name}`, 'metallb-system'))
        this.addPod('metallb-system', `speaker-${metadata.name}`, metadata.name, 'DaemonSet', { component: 'speaker' });
      if (isTaking && !this.get('pods', `web-${metadata.name}`, 'default'))
        this.addPod('default', `web-${metadata.name}`, metadata.name, 'ReplicaSet', { app: 'web' });
    }
    for (const { metadata } of this.list('deployments', {})) {
      this.edit('deployments', [metadata.namespace ?? null, metadata.name], (object) => {
        object.status = { ...(object.status as object), observedGeneration: object.metadata.generation };
      });
    }
  }

  addPod(namespace: string, name: string, node: string, owner: string | null, labels: Record<string, string>, spec: object = {}): void {
    this.put('pods', {
      metadata: {
        name,
        namespace,
        labels,
        ownerReferences: owner === null ? [] : [{ kind: owner, name: 'owner', uid: 'o', controller: true }],
      },
      spec: { nodeName: node, ...spec },
      status: { phase: 'Running', conditions: [{ type: 'Ready', status: 'True' }] },
    });
  }

  /** Everything that a person or a program wrote, byte for byte; not what changes by itself. */
  snapshot(): string {
    const written = [...this.#objects]
      .filter(([key]) => !key.startsWith('pods '))
      .map(([key, object]) => {
        const written = structuredClone(object) as ClusterObject & { spec?: { template?: { metadata?: ClusterObject['metadata'] } } };
        for (const field of ['resourceVersion', 'generation']) Reflect.deleteProperty(written.metadata, field);
        Reflect.deleteProperty(written, 'status');
        // The time of a rollout stays: nothing can put that back.
        Reflect.deleteProperty(written.spec?.template?.metadata ?? {}, 'annotations');
        return `${key}: ${sorted(written)}`;
      });
    return written.sort().join('\n');
  }
}

function keyOf(kind: ClusterKind, namespace: string | null, name: string): string {
  return `${kind} ${named(namespace ?? undefined, name)}`;
}

function named(namespace: string | null | undefined, name: string): string {
  return namespace == null ? name : `${namespace}/${name}`;
}

/** RFC 6902, as far as we use it. */
function patched(object: object, operation: PatchOperation): void {
  const keys = operation.path
    .split('/')
    .slice(1)
    .map((key) => key.replaceAll('~1', '/').replaceAll('~0', '~'));
  const last = keys.pop() ?? '';
  let at = object as Record<string, unknown>;
  for (const key of keys) {
    const next = at[key];
    if (typeof next !== 'object' || next === null) throw new AppError('CLUSTER_REFUSED', `the path ${operation.path} leads nowhere`);
    at = next as Record<string, unknown>;
  }
  if (operation.op === 'remove') {
    if (!Object.hasOwn(at, last)) throw new AppError('CLUSTER_REFUSED', `nothing to remove at ${operation.path}`);
    Reflect.deleteProperty(at, last);
  } else {
    at[last] = operation.value;
  }
}

/** Keys sorted, as a Go server writes its maps. */
function sorted(value: unknown): string {
  return JSON.stringify(value, (_, each: unknown) =>
    typeof each === 'object' && each !== null && !Array.isArray(each)
      ? Object.fromEntries(Object.entries(each).sort(([a], [b]) => (a < b ? -1 : 1)))
      : each,
  );
}

function withoutEmptyMaps(object: Stored): Stored {
  for (const key of ['labels', 'annotations'] as const) {
    if (Object.keys(object.metadata[key] ?? { some: '' }).length === 0) Reflect.deleteProperty(object.metadata, key);
  }
  return object;
}

/** The server gives a Service of policy Local a port for health checks, and takes it with the policy. */
function ownHealthPort(object: Stored): void {
  const spec = object.spec as { externalTrafficPolicy?: string; healthCheckNodePort?: number };
  if (spec.externalTrafficPolicy !== 'Local') Reflect.deleteProperty(spec, 'healthCheckNodePort');
  else spec.healthCheckNodePort ??= 32_767;
}

function textAt(object: unknown, path: readonly string[]): unknown {
  return path.reduce<unknown>((at, key) => (at as Record<string, unknown> | undefined)?.[key], object);
}

/** The forms that faults write: `a=b`, `a in (b,c)`, `a notin (b)`, `a`, `!a`. */
function isSelected(text: string, labels: Record<string, string>): boolean {
  const terms = text === '' ? [] : text.split(/,(?![^(]*\))/);
  return terms.every((term) => {
    const [, key = '', operator, list = ''] = /^(\S+) (in|notin) \((.*)\)$/.exec(term) ?? [];
    const value = labels[key];
    if (operator === 'in') return value !== undefined && list.split(',').includes(value);
    if (operator === 'notin') return value === undefined || !list.split(',').includes(value);
    const [name = '', wanted] = term.split('=');
    if (wanted !== undefined) return labels[name] === wanted;
    return term.startsWith('!') ? labels[term.slice(1)] === undefined : labels[term] !== undefined;
  });
}
