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

/** The lives of one vantage's prober: the one that goes on, since when it is known, and those that it followed. */
type Lives = { vantage: string; current: string; beganT: number; former: string[] };
/** Events of lives before these are not told that late. */
const REMEMBERED_LIVES = 20;

export type FlowRegisterSnapshot = { flows: [string, LiveFlow][]; lives: Lives[] };

export class FlowRegister {
  readonly #flows = new Map<string, LiveFlow>();
  readonly #lives = new Map<string, Lives>();

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

  /**
   * Places a flow in the lives of its prober. A prober that began anew closed no flow of its life before.
   * @returns `gone`: the flows that its life ended with; `endedT`: when the flow's own life was over, if it was followed by another
   */
  newLife(event: EventOf<'flow.opened'>): { gone: string[]; endedT: number | null } {
    const vantage = vantageOf(event) ?? event.from;
    const life = lifeOf(event.flow);
    const lives = this.#lives.get(vantage);
    if (lives?.current === life) return { gone: [], endedT: null };
    // What was spooled may be delivered after what its prober told in its next life.
    if (lives && (lives.former.includes(life) || event.t < lives.beganT)) return { gone: [], endedT: lives.beganT };
    const former = lives ? [...lives.former, lives.current].slice(-REMEMBERED_LIVES) : [];
    this.#lives.set(vantage, { vantage, current: life, beganT: event.t, former });
    const gone = [...this.#flows].filter(([, flow]) => flow.vantage === vantage && flow.life !== life).map(([id]) => id);
    return { gone, endedT: null };
  }

  values(): Iterable<LiveFlow> {
    return this.#flows.values();
  }

  snapshot(): FlowRegisterSnapshot {
    return { flows: [...this.#flows], lives: [...this.#lives.values()] };
  }

  restore({ flows, lives }: FlowRegisterSnapshot): void {
    for (const [id, flow] of flows) this.#flows.set(id, flow);
    for (const each of lives) this.#lives.set(each.vantage, each);
  }
}

function lifeOf(flow: string): string {
  return flow.slice(0, flow.lastIndexOf('/'));
}
