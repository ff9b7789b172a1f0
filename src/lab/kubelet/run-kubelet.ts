// A kubelet's stand-in for one node of a lab: real pods in every respect but one, that each is a process and no container.
//
//   API server --pods of the node--> duties --> PodRunner (namespace, process, probes) --status--> API server
//
// Killed, it leaves its pods running and its successor goes on with them; told to end, it ends them.
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { type KubeClient, type KubeObject, RESOURCES } from '../../cluster/kube-client.ts';
import { AppError, messageOf } from '../../core/errors.ts';
import { machineBootId } from '../../io/clock.ts';
import { lockFolder } from '../../io/folder-lock.ts';
import type { LabPlan } from '../address-plan.ts';
import { listNamespaces } from '../lab-down.ts';
import { type Duty, dutiesOf, type KnownPod } from './duties.ts';
import { EVENTS, podEvent, type NodeFacts } from './node-objects.ts';
import { keepNode } from './node-registration.ts';
import { removePodNetwork } from './pod-network.ts';
import { isPodNamespace } from './pod-place.ts';
import { endLeftovers } from './pod-process.ts';
import { type PodRecord, readRecords, recordsFolder, removePodRecord } from './pod-records.ts';
import { type PodHost, PodRunner } from './pod-runner.ts';
import { refusedStatus } from './pod-status.ts';
import { type PodView, readPod, viewOf } from './pod.ts';
import { StatusReports } from './status-reports.ts';

export type KubeletOptions = {
  plan: LabPlan;
  /** Name of the node; this process must be in its network namespace. */
  node: string;
  client: KubeClient;
  machine: { env: Readonly<Record<string, string>>; kernel: string; architecture: string; version: string };
  log: (line: string) => void;
  signal: AbortSignal;
};

/** Each pod gets this long when the kubelet itself is told to end: a lab goes down quickly. */
const LAST_GRACE_SECONDS = 2;
const AGAIN_MS = 500;
const CALL_MS = 10_000;
/** A pod's namespace does not wait for an API server that is away. */
const PATIENCE_MS = 2_000;

/** Runs until `signal` aborts, then ends its pods. @throws AppError LAB_UNSOUND without such a node, or while another kubelet has it */
export async function runKubelet(options: KubeletOptions): Promise<void> {
  const { plan, client, log, signal } = options;
  const node = plan.environment.nodes.find(({ name }) => name === options.node);
  if (!node || node.podCidrs.length === 0) throw new AppError('LAB_UNSOUND', `the lab ${plan.prefix} has no node ${options.node} for pods`);
  const records = recordsFolder(plan.stateFolder, node.name);
  using _lock = lockFolder(records, 'kubelet', (cause) => new AppError('LAB_UNSOUND', `another kubelet has ${node.name}`, { cause }));
  const host: PodHost = {
    prefix: plan.prefix,
    node,
    recordsFolder: records,
    logFolder: join(plan.stateFolder, 'pods'),
    machine: options.machine.env,
    slots: { taken: new Set(), last: 0 },
    log,
  };
  const pods = new NodePods(host, options, readRecords(records));
  await pods.removeStrayNamespaces();
  const { kernel, architecture, version } = options.machine;
  const facts: NodeFacts = { ...node, kernel, architecture, version, bootId: machineBootId() };
  const registration = keepNode(client, facts, log, signal);
  const following = await client.follow(RESOURCES.pods, { fieldSelector: `spec.nodeName=${node.name}` }, pods);
  await aborted(signal);
  await pods.endAll();
  await Promise.all([registration, following[Symbol.asyncDispose]()]);
}

/** All pods of the node, wanted and running. */
class NodePods {
  readonly #host: PodHost;
  readonly #client: KubeClient;
  readonly #signal: AbortSignal;
  readonly #reports: StatusReports;
  /** By uid, as the API server has them. */
  readonly #bound = new Map<string, KubeObject>();
  readonly #runners = new Map<string, PodRunner>();
  readonly #refused = new Set<string>();
  readonly #removing = new Set<string>();
  /** What a predecessor ran, until the API server has told what is still wanted. */
  readonly #predecessors: Map<string, PodRecord>;

  constructor(host: PodHost, { client, signal, log }: KubeletOptions, records: readonly PodRecord[]) {
    this.#host = host;
    this.#client = client;
    this.#signal = signal;
    this.#reports = new StatusReports(client, log, signal);
    this.#predecessors = new Map(records.map((record) => [record.uid, record]));
    for (const { place } of records) if (place) this.#occupy(place.slot);
  }

  onSync(items: readonly KubeObject[]): void {
    // What a predecessor ran is being ended: it is not to be gone on with.
    if (this.#signal.aborted) return;
    this.#bound.clear();
    for (const item of items) this.#bound.set(viewOf(item).uid, item);
    for (const record of this.#predecessors.values()) this.#succeed(record);
    this.#predecessors.clear();
    this.#review();
  }

  onChange({ type, object }: { type: 'ADDED' | 'MODIFIED' | 'DELETED'; object: KubeObject }): void {
    const { uid } = viewOf(object);
    if (type === 'DELETED') this.#bound.delete(uid);
    else this.#bound.set(uid, object);
    this.#review();
  }

  onBlind(reason: string): void {
    this.#host.log(`pods are not seen, and stay as they are: ${reason}`);
  }

  /** Namespaces that nothing is written of: a kubelet was killed while it took them away. */
  async removeStrayNamespaces(): Promise<void> {
    const known = new Set([...this.#predecessors.values()].map(({ place }) => place?.netns));
    const { prefix, node } = this.#host;
    for (const netns of await listNamespaces()) {
      if (!isPodNamespace(netns, prefix, node.name) || known.has(netns)) continue;
      await removePodNetwork({ netns, port: `p${netns.split('-').at(-1) ?? ''}` });
    }
  }

  /** Ends everything, also what nobody has told about yet. */
  async endAll(): Promise<void> {
    await Promise.all([
      ...[...this.#runners.values()].map(async (runner) => {
        runner.end(LAST_GRACE_SECONDS);
        await runner.clear();
      }),
      ...[...this.#predecessors.values()].map(async (record) => this.#clearRemains(record)),
    ]);
  }

  #review(): void {
    // While the end has come no pod may begin.
    if (this.#signal.aborted) return;
    const known: KnownPod[] = [...this.#runners.values()].map((runner) => runner.known);
    const refused = [...this.#refused].map((uid): KnownPod => ({ uid, state: 'over', graceSeconds: null, isReady: false }));
    for (const duty of dutiesOf([...this.#bound.values()].map(viewOf), [...known, ...refused])) this.#carryOut(duty);
  }

  #carryOut(duty: Duty): void {
    const { uid } = duty;
    const runner = this.#runners.get(uid);
    switch (duty.kind) {
      case 'start':
        this.#start(uid, null);
        return;
      case 'end':
        runner?.end(duty.graceSeconds);
        return;
      case 'remove-object':
        void this.#removeObject(uid);
        return;
      case 'forget':
        this.#runners.delete(uid);
        this.#refused.delete(uid);
        void runner?.clear();
        return;
      case 'correct':
        if (runner?.status) this.#reports.report(runner.plan, runner.status);
        return;
    }
  }

  #start(uid: string, predecessor: PodRecord | null): void {
    const object = this.#bound.get(uid);
    if (!object) return;
    const reading = readPod(object);
    if (reading.kind === 'refused') {
      this.#refused.add(uid);
      this.#refuse(viewOf(object), reading.why);
      return;
    }
    const runner = new PodRunner(reading.plan, this.#host, {
      predecessor,
      onStatus: (status) => {
        if (this.#runners.has(uid)) this.#reports.report(reading.plan, status);
      },
    });
    this.#runners.set(uid, runner);
    void runner.over.then(async () => {
      this.#review();
      // One that is deleted keeps its namespace until its object is gone.
      const current = this.#bound.get(uid);
      if (current && viewOf(current).deletion === null) await runner.clear();
    });
  }

  /** What becomes of a predecessor's pod, now that it is known what is wanted. */
  #succeed(record: PodRecord): void {
    const object = this.#bound.get(record.uid);
    if (object && readPod(object).kind === 'runnable') this.#start(record.uid, record);
    else void this.#clearRemains(record);
  }

  async #clearRemains({ uid, namespace, name, place }: PodRecord): Promise<void> {
    const count = await endLeftovers(uid);
    this.#host.log(`${namespace}/${name} is not wanted any more: ${String(count)} processes of it ended`);
    try {
      if (place) {
        await removePodNetwork(place);
        this.#host.slots.taken.delete(place.slot);
      }
      removePodRecord(this.#host.recordsFolder, uid);
    } catch (error) {
      this.#host.log(`${namespace}/${name} leaves something behind: ${messageOf(error)}`);
    }
  }

  #refuse(pod: PodView, why: string): void {
    const now = new Date().toISOString().replace(/\.\d+Z$/, 'Z');
    this.#host.log(`${pod.namespace}/${pod.name} is refused: ${why}`);
    this.#reports.report(pod, refusedStatus(why, now));
    const event = podEvent(pod, { reason: 'NotAProcess', message: why, node: this.#host.node.name, now, id: Date.now().toString(16) });
    this.#client.create({ ...EVENTS }, event, {}, AbortSignal.any([this.#signal, AbortSignal.timeout(CALL_MS)])).catch((error: unknown) => {
      this.#host.log(`the refusal of ${pod.namespace}/${pod.name} could not be told as an Event: ${messageOf(error)}`);
    });
  }

  /** The last act on a deleted pod: its final status first, so that whoever watches sees how it ended. */
  async #removeObject(uid: string): Promise<void> {
    const object = this.#bound.get(uid);
    if (!object || this.#removing.has(uid)) return;
    this.#removing.add(uid);
    const { namespace, name } = viewOf(object);
    const clearAnyway = setTimeout(() => {
      void this.#runners.get(uid)?.clear();
    }, PATIENCE_MS);
    await this.#reports.settled(uid, PATIENCE_MS);
    while (!this.#signal.aborted && this.#bound.has(uid)) {
      try {
        const signal = AbortSignal.any([this.#signal, AbortSignal.timeout(CALL_MS)]);
        await this.#client.remove({ resource: RESOURCES.pods, namespace, name }, { uid, gracePeriodSeconds: 0 }, signal);
        break;
      } catch (error) {
        if (error instanceof AppError && error.code === 'CONFLICT') break; // another pod has the name by now
        this.#host.log(`${namespace}/${name} could not be removed: ${messageOf(error)}`);
        await sleep(AGAIN_MS, undefined, { signal: this.#signal }).catch(() => undefined);
      }
    }
    clearTimeout(clearAnyway);
    await this.#runners.get(uid)?.clear();
    this.#removing.delete(uid);
  }

  #occupy(slot: number): void {
    this.#host.slots.taken.add(slot);
    this.#host.slots.last = Math.max(this.#host.slots.last, slot);
  }
}

async function aborted(signal: AbortSignal): Promise<void> {
  if (signal.aborted) return;
  await new Promise<void>((resolve) => {
    signal.addEventListener(
      'abort',
      () => {
        resolve();
      },
      { once: true },
    );
  });
}
