// Rollouts of Deployments, told from their status: a new generation whose pods are not all of it yet.
import type { EventOf } from '../../core/journal.ts';
import { podName } from './happening.ts';

/** `endT` null: it was still going on. */
export type Rollout = { vip: string; deployment: string; fromT: number; endT: number | null };

/** The last old pod's end and the status that calls the rollout complete are told by two watches, in either order. */
const APART_MS = 2_000;

export class Rollouts {
  readonly #last = new Map<string, EventOf<'cluster.deployment'>>();
  /** A new generation that has replaced no pod yet: it may only be another number of replicas. */
  readonly #begun = new Map<string, number>();
  readonly #open = new Map<string, Rollout>();
  readonly #all: Rollout[] = [];

  take(event: EventOf<'cluster.deployment'>): void {
    const { vip, deployment, t } = event;
    const key = `${vip} ${deployment}`;
    const before = this.#last.get(key);
    this.#last.set(key, event);
    if (before && event.generation > before.generation) this.#begun.set(key, t);
    const open = this.#open.get(key);
    const isPartial = event.exists && event.updated < event.replicas;
    const isWhole = !isPartial && event.observedGeneration >= event.generation && event.available >= event.replicas;
    // A pod that is evicted is missing from the counts as well: only a new generation makes a rollout, or one that was seen from its middle on.
    if (isPartial && !open && (this.#begun.has(key) || !before)) {
      const rollout: Rollout = { vip, deployment: podName(deployment), fromT: this.#begun.get(key) ?? t, endT: null };
      this.#open.set(key, rollout);
      this.#all.push(rollout);
    } else if (isWhole) {
      if (open) open.endT = t;
      this.#open.delete(key);
      this.#begun.delete(key);
    }
  }

  /** The rollout that a pod's end at `t` belongs to. Where several Deployments are behind the VIP, the pod's name says which is its own. */
  of({ vip, pod, t }: { vip: string; pod: string; t: number }): Rollout | undefined {
    const names = [...this.#last.values()].filter((event) => event.vip === vip).map(({ deployment }) => podName(deployment));
    const own = names.filter((name) => pod.startsWith(`${name}-`)).reduce((a, b) => (a.length > b.length ? a : b), '');
    return this.#all.find(
      ({ deployment, fromT, endT, ...rollout }) =>
        rollout.vip === vip &&
        (names.length === 1 || deployment === own) &&
        t >= fromT - APART_MS &&
        (endT === null || t <= endT + APART_MS),
    );
  }
}
