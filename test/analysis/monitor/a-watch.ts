// Watches fed as a service feeds them: events second by second in the order of their time, each second judged.
import { Watch } from '../../../src/analysis/monitor/watch.ts';
import type { WatchContext } from '../../../src/analysis/monitor/context.ts';
import type { Environment } from '../../../src/core/environment.ts';
import type { Finding } from '../../../src/core/finding.ts';
import type { EventOf, JournalEvent } from '../../../src/core/journal.ts';
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

  /** Feeds events whose time is up to `untilT`, `stepMs` at a time. */
  play(events: readonly JournalEvent[], { untilT, stepMs = 1_000 }: { untilT: number; stepMs?: number }): this {
    const inOrder = events.toSorted((a, b) => a.t - b.t);
    let next = inOrder.findIndex((event) => event.t > this.#nowT || this.#nowT === 0);
    while (this.#nowT < untilT) {
      this.#nowT += stepMs;
      const batch: JournalEvent[] = [];
      for (let event = inOrder[next]; event && event.t <= this.#nowT; event = inOrder[next]) {
        batch.push(event);
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

/** A heartbeat of a vantage without flows of its own, so that its time goes on: one tally of one answered exchange a second. */
export function ticking(
  vantage: string,
  { fromT = 0, untilT, path = 'n1' }: { fromT?: number; untilT: number; path?: string },
): JournalEvent[] {
  const events: JournalEvent[] = [];
  for (let t = fromT + 2_500; t <= untilT; t += 1_000) {
    const bin = Math.floor(t / 1_000) - 2;
    const counts = { scheduled: 1, ok: 1, late: 0, lost: 0, notSent: 0, invalid: 0 };
    const event = {
      t,
      from: `prober:${vantage}`,
      seq: 1_000_000 + bin,
      type: 'tally',
      vantage,
      vip: 'web',
      protocol: 'tcp',
      path,
      bin,
      ...counts,
      rtt: { '233': 1 },
    };
    events.push(event as JournalEvent);
  }
  return events;
}
