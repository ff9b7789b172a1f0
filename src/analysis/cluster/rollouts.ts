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
    const before = this.#last.get(vip);
    this.#last.set(vip, event);
    if (before && event.generation > before.generation) this.#begun.set(vip, t);
    const open = this.#open.get(vip);
    const isPartial = event.exists && event.updated < event.replicas;
    const isWhole = !isPartial && event.observedGeneration >= event.generation && event.available >= event.replicas;
    // A pod that is evicted is missing from the counts as well: only a new generation makes a rollout, or one that was seen from its middle on.
    if (isPartial && !open && (this.#begun.has(vip) || !before)) {
      const rollout: Rollout = { vip, deployment: podName(deployment), fromT: this.#begun.get(vip) ?? t, endT: null };
      this.#open.set(vip, rollout);
      this.#all.push(rollout);
    } else if (isWhole) {
      if (open) open.endT = t;
      this.#open.delete(vip);
      this.#begun.delete(vip);
    }
  }

  all(): readonly Rollout[] {
    return this.#all;
  }
}

/** The rollout of the VIP's Deployment that a pod's end at `t` belongs to. */
export function rolloutAt(rollouts: readonly Rollout[], vip: string, t: number): Rollout | undefined {
  return rollouts.find(
    (rollout) => rollout.vip === vip && t >= rollout.fromT - APART_MS && (rollout.endT === null || t <= rollout.endT + APART_MS),
  );
}
