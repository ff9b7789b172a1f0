// A Pod's status as a kubelet writes it, from what its process does: pure.
import type { PodPlan } from './pod.ts';

/** How a process ended; `code` null when this kubelet was away. Times are RFC 3339. */
export type Termination = { code: number | null; startedAt: string; finishedAt: string };

export type ContainerState =
  | { kind: 'creating' }
  | { kind: 'running'; startedAt: string }
  | { kind: 'waiting'; delayMs: number }
  | { kind: 'ended'; how: Termination };

export type PodFacts = {
  plan: PodPlan;
  /** Since when this kubelet knows the pod. */
  startTime: string;
  hostIps: readonly string[];
  /** Empty until the pod has its network. */
  podIps: readonly string[];
  container: ContainerState;
  lastTermination: Termination | null;
  restarts: number;
  isReady: boolean;
};

export type Condition = { type: string; status: 'True' | 'False'; lastTransitionTime: string; reason?: string; message?: string };
export type PodStatus = {
  phase: 'Pending' | 'Running' | 'Succeeded' | 'Failed';
  conditions: Condition[];
  [field: string]: unknown;
};

/** The status to write, as a strategic merge patch. `before`: the one written last, whose conditions keep their times where nothing changed. */
export function podStatus(facts: PodFacts, before: PodStatus | null, now: string): PodStatus {
  const { hostIps, podIps } = facts;
  return {
    phase: phaseOf(facts.container),
    // Null takes back what another writer left there.
    reason: null,
    message: null,
    startTime: facts.startTime,
    hostIP: hostIps[0] ?? '',
    hostIPs: replaced(hostIps),
    podIP: podIps[0] ?? null,
    podIPs: replaced(podIps),
    conditions: keepingTimes(conditionsOf(facts), before, now),
    containerStatuses: [containerStatus(facts)],
  };
}

/** The status of a pod that is refused; it never ran. */
export function refusedStatus(why: string, now: string): PodStatus {
  return {
    phase: 'Failed',
    reason: 'NotAProcess',
    message: why,
    startTime: now,
    conditions: keepingTimes(
      (['Ready', 'ContainersReady'] as const).map((type) => ({ type, status: 'False', reason: 'NotAProcess', message: why })),
      null,
      now,
    ),
  };
}

/** A strategic merge would keep the addresses of a former network beside those of this one, which the server refuses. */
function replaced(ips: readonly string[]): object[] {
  return [...ips.map((ip) => ({ ip })), { $patch: 'replace' }];
}

type BareCondition = Omit<Condition, 'lastTransitionTime'>;

function keepingTimes(conditions: BareCondition[], before: PodStatus | null, now: string): Condition[] {
  return conditions.map((condition) => {
    const old = before?.conditions.find(({ type }) => type === condition.type);
    return { ...condition, lastTransitionTime: old?.status === condition.status ? old.lastTransitionTime : now };
  });
}

function phaseOf(container: ContainerState): PodStatus['phase'] {
  switch (container.kind) {
    case 'creating':
      return 'Pending';
    case 'running':
    case 'waiting':
      return 'Running';
    case 'ended':
      return container.how.code === 0 ? 'Succeeded' : 'Failed';
  }
}

function conditionsOf({ plan, container, podIps, isReady }: PodFacts): BareCondition[] {
  const ready = unready(container, isReady, plan.container.name);
  return [
    { type: 'PodReadyToStartContainers', status: container.kind !== 'ended' && podIps.length > 0 ? 'True' : 'False' },
    { type: 'Initialized', status: 'True' },
    { type: 'Ready', ...ready },
    { type: 'ContainersReady', ...ready },
    { type: 'PodScheduled', status: 'True' },
  ];
}

function unready(container: ContainerState, isReady: boolean, name: string): Omit<BareCondition, 'type'> {
  if (container.kind === 'running' && isReady) return { status: 'True' };
  if (container.kind === 'ended' && container.how.code === 0) return { status: 'False', reason: 'PodCompleted' };
  return { status: 'False', reason: 'ContainersNotReady', message: `containers with unready status: [${name}]` };
}

function containerStatus({ plan, container, lastTermination, restarts, isReady }: PodFacts): unknown {
  const isRunning = container.kind === 'running';
  return {
    name: plan.container.name,
    image: plan.container.image,
    imageID: '',
    ready: isRunning && isReady,
    started: isRunning,
    restartCount: restarts,
    state: stateOf(container, plan.container.name),
    lastState: lastTermination === null ? {} : terminated(lastTermination),
  };
}

function stateOf(container: ContainerState, name: string): unknown {
  switch (container.kind) {
    case 'creating':
      return { waiting: { reason: 'ContainerCreating' } };
    case 'running':
      return { running: { startedAt: container.startedAt } };
    case 'waiting':
      return {
        waiting: {
          reason: 'CrashLoopBackOff',
          message: `back-off ${String(container.delayMs / 1_000)}s restarting the process of container ${name}`,
        },
      };
    case 'ended':
      return terminated(container.how);
  }
}

/** A kubelet that did not see the end says 137, ContainerStatusUnknown. */
const UNSEEN_CODE = 137;

function terminated({ code, startedAt, finishedAt }: Termination): unknown {
  const reason = code === null ? 'ContainerStatusUnknown' : code === 0 ? 'Completed' : 'Error';
  return { terminated: { exitCode: code ?? UNSEEN_CODE, reason, startedAt, finishedAt } };
}
