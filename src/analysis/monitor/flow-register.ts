// Every flow that a monitor holds, as of its newest event: who lives on which path, and with which source address it is seen.
import type { EventOf } from '../../core/journal.ts';
import { vantageOf } from '../../core/journal.ts';
import { UNKNOWN } from '../matrix.ts';
import type { FlowEvent } from './context.ts';

export type LiveFlow = {
  vantage: string;
  /** The prober's life that named it: `v1/2/17` is of another one than `v1/1/17`. */
  life: string;
  vip: string;
  protocol: string;
  path: string;
  sourceAddress: string;
  observedSource: string;
  /** Broken, and neither recovered nor replaced. */
  isSilent: boolean;
};

/** What one event did to a flow. */
export type FlowStep =
  | { kind: 'arrived'; flow: LiveFlow }
  | { kind: 'moved'; flow: LiveFlow; from: LiveFlow }
  | { kind: 'broke'; flow: LiveFlow; event: EventOf<'flow.broken'> }
  | { kind: 'recovered'; flow: LiveFlow; from: LiveFlow }
  | { kind: 'left'; flow: LiveFlow }
  | { kind: 'mapped'; path: string };

export class FlowRegister {
  readonly #flows = new Map<string, LiveFlow>();
  readonly #lives = new Map<string, string>();

  get size(): number {
    return this.#flows.size;
  }

  /** @returns null when the event changes nothing that is asked of flows here */
  take(event: FlowEvent): FlowStep | null {
    if (event.type === 'flow.opened') {
      const { flow: id, vip, protocol, sourceAddress, observedSource, replaces } = event;
      const vantage = vantageOf(event) ?? event.from;
      const flow = {
        vantage,
        life: lifeOf(id),
        vip,
        protocol,
        path: event.ingress ?? UNKNOWN,
        sourceAddress,
        observedSource,
        isSilent: false,
      };
      if (replaces !== undefined && this.#flows.get(replaces)?.isSilent) this.#flows.delete(replaces);
      this.#flows.set(id, flow);
      return { kind: 'arrived', flow };
    }
    const from = this.#flows.get(event.flow);
    if (!from) {
      if (event.type !== 'flow.mapped' || event.ingress === null) return null;
      return { kind: 'mapped', path: event.ingress };
    }
    switch (event.type) {
      case 'flow.changed':
      case 'flow.recovered': {
        const flow = { ...from, path: event.ingress ?? UNKNOWN, observedSource: event.observedSource, isSilent: false };
        this.#flows.set(event.flow, flow);
        return { kind: from.isSilent ? 'recovered' : 'moved', flow, from };
      }
      case 'flow.broken': {
        if (from.isSilent) return null;
        const flow = { ...from, isSilent: true };
        this.#flows.set(event.flow, flow);
        return { kind: 'broke', flow, event };
      }
      case 'flow.closed':
        this.#flows.delete(event.flow);
        return from.isSilent ? null : { kind: 'left', flow: from };
      case 'flow.mapped':
        return event.ingress === null ? null : { kind: 'mapped', path: event.ingress };
      case 'flow.quiet':
      case 'flow.final':
        return null;
    }
  }

  /** A prober that began anew closed no flow of its life before. @returns the ids that are gone, empty when it is the same life */
  newLife(event: EventOf<'flow.opened'>): string[] {
    const vantage = vantageOf(event) ?? event.from;
    const life = lifeOf(event.flow);
    if (this.#lives.get(vantage) === life) return [];
    this.#lives.set(vantage, life);
    return [...this.#flows].filter(([, flow]) => flow.vantage === vantage && flow.life !== life).map(([id]) => id);
  }

  values(): Iterable<LiveFlow> {
    return this.#flows.values();
  }

  snapshot(): [string, LiveFlow][] {
    return [...this.#flows];
  }

  restore(flows: readonly [string, LiveFlow][]): void {
    for (const [id, flow] of flows) {
      this.#flows.set(id, flow);
      this.#lives.set(flow.vantage, flow.life);
    }
  }
}

function lifeOf(flow: string): string {
  return flow.slice(0, flow.lastIndexOf('/'));
}
