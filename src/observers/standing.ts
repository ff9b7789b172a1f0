// What observers told last, by what it is about: enough for a listener that begins later.
import type { JournalEvent } from '../core/journal.ts';
import type { ObserverEvent } from './observer.ts';

type Numbered = Extract<JournalEvent, { type: ObserverEvent['type'] }>;

const TYPES: Readonly<Record<ObserverEvent['type'], true>> = {
  'next-hops': true,
  'bgp-session': true,
  'cluster.endpoints': true,
  'cluster.service': true,
  'cluster.node': true,
  'cluster.deployment': true,
  'cluster.speaker': true,
  'cluster.metallb': true,
  'cluster.intent': true,
  'cluster.metallb-status': true,
  'observer.blind': true,
};

/** Whether observers say such things. */
export function isObserverEvent(event: JournalEvent): event is Numbered {
  return Object.hasOwn(TYPES, event.type);
}

export class Standing {
  readonly #told = new Map<string, ObserverEvent>();

  /** In the order in which it was told. */
  events(): ObserverEvent[] {
    return [...this.#told.values()];
  }

  take(event: ObserverEvent): void {
    const by = `${event.from} ${event.observer}`;
    const key = `${by} ${event.type} ${aboutOf(event)}`;
    this.#told.delete(key);
    // It sees again once it tells anything.
    if (event.type !== 'observer.blind') this.#told.delete(`${by} observer.blind `);
    if (!isGone(event)) this.#told.set(key, event);
  }
}

/** What is gone need not be told to who never knew it. */
function isGone(event: ObserverEvent): boolean {
  return event.type === 'cluster.metallb' ? event.change === 'gone' : 'exists' in event && !event.exists;
}

/** An event, or what will become one. */
type About = WithoutEnvelope<ObserverEvent>;
type WithoutEnvelope<Event> = Event extends unknown
  ? { [Key in keyof Event as Key extends 't' | 'from' | 'observer' ? never : Key]: Event[Key] } // `Omit` would lose the known keys
  : never;

/** The next event of the same observer, type and subject replaces one. */
export function aboutOf(event: About): string {
  switch (event.type) {
    case 'next-hops':
      return event.prefix;
    case 'bgp-session':
      return event.peer;
    case 'cluster.endpoints':
    case 'cluster.service':
    case 'cluster.intent':
    case 'cluster.metallb-status':
      return event.vip;
    case 'cluster.deployment':
      return `${event.vip} ${event.deployment}`;
    case 'cluster.node':
      return event.node;
    case 'cluster.speaker':
      return event.pod;
    case 'cluster.metallb':
      return `${event.kind} ${event.object}`;
    case 'observer.blind':
      return '';
  }
}
