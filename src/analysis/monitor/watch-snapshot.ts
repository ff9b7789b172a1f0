// The parts of a watch, and the plain form in which they outlive a restart of the service.
import type { EventOf } from '../../core/journal.ts';
import type { AgentWatch } from './agent-watch.ts';
import type { FindingBook } from './finding-book.ts';
import type { FlowRegister } from './flow-register.ts';
import type { Absence, Patience } from './patience.ts';
import type { PathWatch, PathWatchSnapshot, Seat } from './path-watch.ts';
import type { SecondsBook, SecondsSnapshot } from './seconds-book.ts';
import type { SessionWatch } from './session-watch.ts';
import type { SourceWatch } from './source-watch.ts';
import type { VipWatch, VipWatchSnapshot } from './vip-watch.ts';

/** Another number: another version of Holdfast wrote it, and the watch begins anew. */
export const WATCH_SNAPSHOT_SCHEMA = 6;

export type WatchParts = {
  book: FindingBook;
  vips: Map<string, VipWatch>;
  register: FlowRegister;
  /** What each known flow is held with, and of whom. */
  usedBy: Map<string, { vip: string; protocol: string }>;
  /** By `seatKey`: one a protocol. */
  paths: Map<string, PathWatch[]>;
  sources: SourceWatch;
  sessions: SessionWatch;
  agents: AgentWatch;
  seconds: SecondsBook;
  /** The newest of each vantage. */
  ready: Map<string, EventOf<'vantage.ready'>>;
  illnesses: EventOf<'prober.ill'>[];
  /** How far each vantage has told: `t` of its newest event. */
  dataT: Map<string, number>;
  /** When each vantage last delivered anything, by `nowT`. */
  heardT: Map<string, number>;
  patience: Patience;
  /** Events that came too late to change a figure. */
  late: { events: number };
};

export type WatchSnapshot = {
  schema: number;
  session: string;
  book: ReturnType<FindingBook['snapshot']>;
  vips: VipWatchSnapshot[];
  register: ReturnType<FlowRegister['snapshot']>;
  paths: (Seat & PathWatchSnapshot)[];
  sources: ReturnType<SourceWatch['snapshot']>;
  sessions: ReturnType<SessionWatch['snapshot']>;
  agents: ReturnType<AgentWatch['snapshot']>;
  seconds: SecondsSnapshot;
  ready: EventOf<'vantage.ready'>[];
  illnesses: EventOf<'prober.ill'>[];
  dataT: [string, number][];
  heardT: [string, number][];
  away: Absence | null;
  /** How far it had judged; null: never. */
  judgedT: number | null;
  lateEvents: number;
};

/** Where all protocols' paths of a VIP as one vantage uses it are found. */
export function seatKey({ vantage, vip }: Pick<Seat, 'vantage' | 'vip'>): string {
  return `${vantage} ${vip}`;
}

/** Fills new parts; VIPs that the context no longer has are left out. */
export function restoreParts(parts: WatchParts, snapshot: WatchSnapshot, pathOf: (seat: Seat) => PathWatch): void {
  // The parts change what they hold; the snapshot stays the caller's.
  const saved = structuredClone(snapshot);
  parts.book.restore(saved.book);
  for (const each of saved.vips) {
    for (const { flow, vip, protocol } of parts.vips.get(each.slice.vip)?.restore(each) ?? []) parts.usedBy.set(flow, { vip, protocol });
  }
  parts.register.restore(saved.register);
  for (const { vantage, vip, protocol, ...path } of saved.paths) pathOf({ vantage, vip, protocol }).restore(path);
  parts.sources.restore(saved.sources);
  parts.sessions.restore(saved.sessions);
  parts.agents.restore(saved.agents);
  parts.seconds.restore(saved.seconds);
  for (const event of saved.ready) parts.ready.set(event.vantage, event);
  parts.illnesses.push(...saved.illnesses);
  for (const [vantage, t] of saved.dataT) parts.dataT.set(vantage, t);
  for (const [vantage, t] of saved.heardT) parts.heardT.set(vantage, t);
  parts.patience.restore(saved.away);
  parts.late.events = saved.lateEvents;
}
