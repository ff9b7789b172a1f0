// On which path each living flow of a monitor is, and whether its responder sees its own address: breaks name only the flow.
import type { JournalEvent } from '../../core/journal.ts';
import { vantageOf } from '../../core/journal.ts';

export type FlowPlace = {
  vantage: string;
  vip: string;
  protocol: string;
  /** Ingress node, or `unknown`. */
  path: string;
  sourceAddress: string;
  isSourceLost: boolean;
};

/** The flows of one monitor in one session. */
export class FlowPlaces {
  readonly #flows = new Map<string, FlowPlace>();

  /** Follows one event; call it after the event was counted. */
  follow(event: JournalEvent): void {
    const vantage = vantageOf(event);
    if (vantage === null) return;
    // The first word of another life of the prober: the flows of the one before are gone, and not all of them were told closed.
    if (event.seq === 0) this.#forgetVantage(vantage);
    if (event.type === 'flow.opened') {
      const { flow, vip, protocol, sourceAddress } = event;
      this.#flows.set(flow, { vantage, vip, protocol, sourceAddress, ...seen(event, sourceAddress) });
    } else if (event.type === 'flow.changed' || event.type === 'flow.recovered') {
      const place = this.#flows.get(event.flow);
      if (place) Object.assign(place, seen(event, place.sourceAddress));
    } else if (event.type === 'flow.closed' || (event.type === 'flow.broken' && this.of(event.flow)?.protocol !== 'udp')) {
      // A broken UDP flow is silent and may speak again.
      this.#flows.delete(event.flow);
    }
  }

  of(flow: string): FlowPlace | null {
    return this.#flows.get(flow) ?? null;
  }

  living(): Iterable<FlowPlace> {
    return this.#flows.values();
  }

  #forgetVantage(vantage: string): void {
    for (const [flow, place] of this.#flows) if (place.vantage === vantage) this.#flows.delete(flow);
  }
}

function seen({ ingress, observedSource }: { ingress: string | null; observedSource: string }, sourceAddress: string) {
  return { path: ingress ?? 'unknown', isSourceLost: observedSource !== sourceAddress };
}
