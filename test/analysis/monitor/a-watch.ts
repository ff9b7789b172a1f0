// Watches fed as a service feeds them: events second by second in the order of their time, each second judged.
import { Watch } from '../../../src/analysis/monitor/watch.ts';
import type { WatchContext } from '../../../src/analysis/monitor/context.ts';
import type { Environment } from '../../../src/core/environment.ts';
import type { Finding } from '../../../src/core/finding.ts';
import type { EventOf, JournalEvent } from '../../../src/core/journal.ts';
import type { JournalDraft } from '../../support/a-journal.ts';
import type { Probe } from '../../../src/core/probe-file.ts';

/** The context of a journal's own environment, probes and flows. */
export function contextOf(events: readonly JournalEvent[]): WatchContext {
  const started = events.find((event): event is EventOf<'run.started'> => event.type === 'run.started');
  if (!started) throw new Error('a journal begins with run.started');
  return {
    monitor: 'all-day',
    session: 's1',
    t0WallMs: started.wallClockMs,
    environment: started.environment as unknown as Environment,
    probes: started.probes as unknown as Record<string, Probe>,
    flows: (started.scenario as unknown as { flows: WatchContext['flows'] }).flows,
  };
}

type Playing = { untilT: number; stepMs?: number; arrives?: (event: JournalEvent) => number };
export type Told = { atT: number; finding: Finding };

export class Player {
  watch: Watch;
  readonly context: WatchContext;
  readonly told: Told[] = [];
  #nowT = 0;

  constructor(context: WatchContext) {
    this.context = context;
    this.watch = new Watch(context);
  }

  /** Feeds events that arrive up to `untilT`, `stepMs` at a time; each arrives when it happens, or when `arrives` says. */
  play(events: readonly JournalEvent[], { untilT, stepMs = 1_000, arrives = (event) => event.t }: Playing): this {
    const inOrder = events.map((event) => ({ event, atT: arrives(event) })).sort((a, b) => a.atT - b.atT);
    let next = this.#nowT === 0 ? 0 : inOrder.findIndex(({ atT }) => atT > this.#nowT);
    while (this.#nowT < untilT) {
      this.#nowT = Math.min(untilT, this.#nowT + stepMs);
      const batch: JournalEvent[] = [];
      for (let each = inOrder[next]; each && each.atT <= this.#nowT; each = inOrder[next]) {
        batch.push(each.event);
        next += 1;
      }
      if (batch.length > 0) this.watch.take(batch);
      this.advance();
    }
    return this;
  }

  advance(nowT = this.#nowT): this {
    this.#nowT = nowT;
    for (const finding of this.watch.advance(nowT)) this.told.push({ atT: nowT, finding });
    return this;
  }

  /** A restart of the service: what is not in the snapshot is lost. */
  restart(): this {
    const snapshot: unknown = JSON.parse(JSON.stringify(this.watch.snapshot()));
    this.watch = Watch.restore(this.context, snapshot as ReturnType<Watch['snapshot']>);
    return this;
  }

  /** The last state of every finding, oldest first. */
  last(): Finding[] {
    return [...new Map(this.told.map(({ finding }) => [finding.id, finding])).values()].sort(
      (a, b) => a.openedMs - b.openedMs || (a.id < b.id ? -1 : 1),
    );
  }

  of(kind: Finding['kind']): Finding[] {
    return this.last().filter((finding) => finding.kind === kind);
  }
}

/** The same events as another vantage would have told them. */
export function asVantage(vantage: string, events: readonly JournalEvent[]): JournalEvent[] {
  const own = events.filter((event) => event.from === 'prober:v1');
  return JSON.parse(
    JSON.stringify(own)
      .replaceAll('"prober:v1"', `"prober:${vantage}"`)
      .replaceAll('"v1"', `"${vantage}"`)
      .replaceAll('"v1/', `"${vantage}/`),
  ) as JournalEvent[];
}

/** Tallies of answered heartbeats, one a second and path, so that a vantage's time goes on. */
export function ticking(journal: JournalDraft, { vantage = 'v1', fromBin = 0, untilBin = 60, paths = ['n1', 'n2', 'n3'] } = {}): void {
  for (let bin = fromBin; bin < untilBin; bin += 1) for (const path of paths) journal.tally(bin, { vantage, path, ok: 2 });
}
