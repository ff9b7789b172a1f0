// Pods' statuses on their way to the API server: the latest of each pod, one at a time, again until it is taken.
import { setTimeout as sleep } from 'node:timers/promises';
import { type KubeClient, RESOURCES } from '../../cluster/kube-client.ts';
import { AppError, messageOf } from '../../core/errors.ts';
import type { PodStatus } from './pod-status.ts';

export type PodRef = { uid: string; namespace: string; name: string };
type Line = { waiting: PodStatus | null; writing: Promise<void> | null };

const AGAIN_MS = 500;
const CALL_MS = 10_000;

export class StatusReports {
  readonly #client: KubeClient;
  readonly #log: (line: string) => void;
  readonly #signal: AbortSignal;
  readonly #lines = new Map<string, Line>();

  constructor(client: KubeClient, log: (line: string) => void, signal: AbortSignal) {
    this.#client = client;
    this.#log = log;
    this.#signal = signal;
  }

  /** Sees to it that the server gets `status`, unless a later one overtakes it or the pod is gone. */
  report(pod: PodRef, status: PodStatus): void {
    const line = this.#lines.get(pod.uid) ?? { waiting: null, writing: null };
    this.#lines.set(pod.uid, line);
    line.waiting = status;
    line.writing ??= this.#write(pod, line).finally(() => {
      this.#lines.delete(pod.uid);
    });
  }

  /** Resolves when nothing of the pod is on its way, or after `atMostMs`. */
  async settled(uid: string, atMostMs: number): Promise<void> {
    const writing = this.#lines.get(uid)?.writing;
    if (!writing) return;
    const enough = new AbortController();
    await Promise.race([writing, sleep(atMostMs, undefined, { signal: enough.signal }).catch(() => undefined)]);
    enough.abort();
  }

  async #write(pod: PodRef, line: Line): Promise<void> {
    while (line.waiting !== null && !this.#signal.aborted) {
      const status = line.waiting;
      line.waiting = null;
      try {
        const signal = AbortSignal.any([this.#signal, AbortSignal.timeout(CALL_MS)]);
        const ref = { resource: RESOURCES.pods, namespace: pod.namespace, name: pod.name, subresource: 'status' };
        await this.#client.patch(ref, { kind: 'strategic', body: { status } }, { uid: pod.uid }, signal);
      } catch (error) {
        // Gone, or another pod of that name: nobody is left to be told.
        if (error instanceof AppError && (error.code === 'TARGET_GONE' || error.code === 'CONFLICT')) return;
        this.#log(`the status of ${pod.namespace}/${pod.name} was not taken: ${messageOf(error)}`);
        line.waiting ??= status;
        await sleep(AGAIN_MS, undefined, { signal: this.#signal }).catch(() => undefined);
      }
    }
  }
}
