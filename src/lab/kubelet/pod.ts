// What the kubelet stand-in understands of a Pod, and what it refuses: pure.
import { z } from 'zod';
import type { KubeObject } from '../../cluster/kube-client.ts';

/** What decides whether a pod runs, is ended or is corrected; every Pod object has it, understood or not. */
export type PodView = {
  uid: string;
  namespace: string;
  name: string;
  /** Ended for good: Succeeded or Failed. */
  isOver: boolean;
  /** Null until somebody deletes it. */
  deletion: { graceSeconds: number } | null;
  /** Status of its condition Ready; null when it has none yet. */
  ready: string | null;
};

export type Probe = {
  how:
    | { kind: 'tcp'; host: string | null; port: number }
    | { kind: 'http'; scheme: 'http' | 'https'; host: string | null; port: number; path: string; headers: Record<string, string> }
    | { kind: 'exec'; command: string[] };
  initialDelaySeconds: number;
  periodSeconds: number;
  timeoutSeconds: number;
  successThreshold: number;
  failureThreshold: number;
};

/** A variable with its value as written, or the field of the pod that gives it. */
export type EnvVariable = { name: string } & ({ value: string } | { field: string });
export type PreStop = { kind: 'sleep'; seconds: number } | { kind: 'exec'; command: string[] };

/** A pod that can run here: one container, which is a process. */
export type PodPlan = {
  uid: string;
  namespace: string;
  name: string;
  labels: Record<string, string>;
  annotations: Record<string, string>;
  nodeName: string;
  serviceAccount: string;
  /** In the node's own network namespace. */
  isHostNetwork: boolean;
  restartPolicy: 'Always' | 'OnFailure' | 'Never';
  container: {
    name: string;
    image: string;
    command: [string, ...string[]];
    workingDir: string;
    env: EnvVariable[];
    readiness: Probe | null;
    preStop: PreStop | null;
  };
};

export type PodReading = { kind: 'runnable'; plan: PodPlan } | { kind: 'refused'; why: string };

const record = z.record(z.string(), z.string()).default({});
const target = z.union([z.int(), z.string()]);
const probe = z.looseObject({
  tcpSocket: z.looseObject({ port: target, host: z.string().optional() }).optional(),
  httpGet: z
    .looseObject({
      port: target,
      host: z.string().optional(),
      path: z.string().default('/'),
      scheme: z.string().default('HTTP'),
      httpHeaders: z.array(z.object({ name: z.string(), value: z.string() })).default([]),
    })
    .optional(),
  exec: z.looseObject({ command: z.array(z.string()).default([]) }).optional(),
  initialDelaySeconds: z.int().default(0),
  periodSeconds: z.int().min(1).default(10),
  timeoutSeconds: z.int().min(1).default(1),
  successThreshold: z.int().min(1).default(1),
  failureThreshold: z.int().min(1).default(3),
});
const variable = z.looseObject({
  name: z.string(),
  value: z.string().default(''),
  valueFrom: z.looseObject({ fieldRef: z.looseObject({ fieldPath: z.string() }).optional() }).optional(),
});
const container = z.looseObject({
  name: z.string(),
  image: z.string().default(''),
  command: z.array(z.string()).default([]),
  args: z.array(z.string()).default([]),
  workingDir: z.string().default('/'),
  env: z.array(variable).default([]),
  envFrom: z.array(z.unknown()).default([]),
  ports: z.array(z.looseObject({ name: z.string().optional(), containerPort: z.int() })).default([]),
  readinessProbe: probe.optional(),
  livenessProbe: z.unknown().optional(),
  startupProbe: z.unknown().optional(),
  lifecycle: z
    .looseObject({
      postStart: z.unknown().optional(),
      preStop: z
        .looseObject({
          sleep: z.looseObject({ seconds: z.int() }).optional(),
          exec: z.looseObject({ command: z.array(z.string()).default([]) }).optional(),
        })
        .optional(),
    })
    .default({}),
});
const podObject = z.looseObject({
  metadata: z.looseObject({
    uid: z.string(),
    namespace: z.string(),
    name: z.string(),
    labels: record,
    annotations: record,
    deletionTimestamp: z.string().optional(),
    deletionGracePeriodSeconds: z.int().optional(),
  }),
  spec: z.looseObject({
    nodeName: z.string().default(''),
    serviceAccountName: z.string().default('default'),
    hostNetwork: z.boolean().default(false),
    restartPolicy: z.enum(['Always', 'OnFailure', 'Never']).default('Always'),
    terminationGracePeriodSeconds: z.int().default(30),
    initContainers: z.array(z.unknown()).default([]),
    containers: z.array(container).min(1),
  }),
  status: z
    .looseObject({
      phase: z.string().default('Pending'),
      conditions: z.array(z.looseObject({ type: z.string(), status: z.string() })).default([]),
    })
    .prefault({}),
});
type Container = z.infer<typeof container>;

/** What decides about a pod. `object` must be a Pod as an API server serves it. */
export function viewOf(object: KubeObject): PodView {
  const { metadata, spec, status } = podObject.parse(object);
  const graceSeconds = metadata.deletionGracePeriodSeconds ?? spec.terminationGracePeriodSeconds;
  return {
    uid: metadata.uid,
    namespace: metadata.namespace,
    name: metadata.name,
    isOver: status.phase === 'Succeeded' || status.phase === 'Failed',
    deletion: metadata.deletionTimestamp === undefined ? null : { graceSeconds },
    ready: status.conditions.find(({ type }) => type === 'Ready')?.status ?? null,
  };
}

/**
 * The pod as a process, or why it cannot be one. Volumes, resources and security contexts are no reason to refuse: a process sees the
 * machine's files and runs as the lab's user.
 */
export function readPod(object: KubeObject): PodReading {
  const { metadata, spec } = podObject.parse(object);
  const [only] = spec.containers;
  const why = only === undefined ? 'it has no container' : refusal(only, spec);
  if (only === undefined || why !== null) return { kind: 'refused', why: why ?? '' };
  const [file = '', ...rest] = [...only.command, ...only.args];
  const { uid, namespace, name, labels, annotations } = metadata;
  return {
    kind: 'runnable',
    plan: {
      uid,
      namespace,
      name,
      labels,
      annotations,
      nodeName: spec.nodeName,
      serviceAccount: spec.serviceAccountName,
      isHostNetwork: spec.hostNetwork,
      restartPolicy: spec.restartPolicy,
      container: {
        name: only.name,
        image: only.image,
        command: [file, ...rest],
        workingDir: only.workingDir,
        env: only.env.map(({ name: variableName, value, valueFrom }) => {
          const field = valueFrom?.fieldRef?.fieldPath;
          return field === undefined ? { name: variableName, value } : { name: variableName, field };
        }),
        readiness: only.readinessProbe === undefined ? null : probeOf(only.readinessProbe, only),
        preStop: preStopOf(only),
      },
    },
  };
}

/** Fields of a pod that a variable may take its value from; besides single labels and annotations. */
const FIELDS =
  /^(metadata\.(name|namespace|uid|(labels|annotations)\['[^']+'\])|spec\.(nodeName|serviceAccountName)|status\.(podIPs?|hostIPs?))$/;

function refusal(only: Container, spec: { containers: unknown[]; initContainers: unknown[] }): string | null {
  if (!only.image.startsWith('process/')) {
    return `pods are processes here, and no image is ever fetched: name it process/…, not ${JSON.stringify(only.image)}`;
  }
  if (spec.containers.length > 1 || spec.initContainers.length > 0) return 'a pod is one process here: one container, no init containers';
  if (only.command.length + only.args.length === 0) return 'there is no image here to bring a command: the container must name its own';
  if (only.livenessProbe !== undefined || only.startupProbe !== undefined) return 'only readiness is probed here, not liveness or startup';
  if (only.envFrom.length > 0) return 'variables come from values and fields of the pod alone here: no envFrom';
  if (only.lifecycle.postStart !== undefined) return 'there is no postStart here';
  const foreign = only.env.find(({ valueFrom }) => valueFrom !== undefined && !FIELDS.test(valueFrom.fieldRef?.fieldPath ?? ''));
  if (foreign !== undefined) return `the variable ${foreign.name} is taken from what this kubelet does not know`;
  const { preStop } = only.lifecycle;
  if (preStop !== undefined && preStopOf(only) === null) return 'preStop can sleep or exec here, nothing else';
  if (only.readinessProbe !== undefined && probeOf(only.readinessProbe, only) === null) {
    return 'its readiness probe must be tcpSocket, httpGet or exec, with a port that the container has';
  }
  return null;
}

function preStopOf({ lifecycle: { preStop } }: Container): PreStop | null {
  if (preStop?.sleep !== undefined) return { kind: 'sleep', seconds: preStop.sleep.seconds };
  return preStop?.exec === undefined ? null : { kind: 'exec', command: preStop.exec.command };
}

function probeOf(spec: z.infer<typeof probe>, { ports }: Pick<Container, 'ports'>): Probe | null {
  const how = manner(spec, (port) => (typeof port === 'number' ? port : ports.find(({ name }) => name === port)?.containerPort));
  const { initialDelaySeconds, periodSeconds, timeoutSeconds, successThreshold, failureThreshold } = spec;
  return how && { how, initialDelaySeconds, periodSeconds, timeoutSeconds, successThreshold, failureThreshold };
}

function manner(
  { tcpSocket, httpGet, exec }: z.infer<typeof probe>,
  numberOf: (port: number | string) => number | undefined,
): Probe['how'] | null {
  if (exec !== undefined) return { kind: 'exec', command: exec.command };
  const port = numberOf(tcpSocket?.port ?? httpGet?.port ?? '');
  if (port === undefined) return null;
  if (tcpSocket !== undefined) return { kind: 'tcp', host: tcpSocket.host ?? null, port };
  if (httpGet === undefined) return null;
  return {
    kind: 'http',
    scheme: httpGet.scheme === 'HTTPS' ? 'https' : 'http',
    host: httpGet.host ?? null,
    port,
    path: httpGet.path,
    headers: Object.fromEntries(httpGet.httpHeaders.map(({ name, value }) => [name, value])),
  };
}
