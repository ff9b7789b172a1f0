// Counts the events of monitors, each once: exchanges, latencies, breaks, by path.
import { BREAK_CAUSES, type EventOf, type JournalEvent, vantageOf } from '../../core/journal.ts';
import type { OnEvents, ServiceClock } from '../parts.ts';
import { FlowPlaces } from './flow-places.ts';
import type { MetricSet } from './metric-set.ts';
import { isOverflow, type Path, PathLabels } from './path-labels.ts';

/** Field of a tally -> its name as a label. */
const OUTCOMES = { ok: 'ok', late: 'late', lost: 'lost', notSent: 'not_sent', invalid: 'invalid' } as const;

type Of = { monitor: string; environment: string };
type Watched = { of: Of; session: string; flows: FlowPlaces };

export class EventCounters {
  readonly #metrics: MetricSet;
  readonly #clock: ServiceClock;
  readonly #paths: PathLabels;
  readonly #monitors = new Map<string, Watched>();

  constructor({ metrics, clock, pathCap }: { metrics: MetricSet; clock: ServiceClock; pathCap?: number | undefined }) {
    this.#metrics = metrics;
    this.#clock = clock;
    this.#paths = new PathLabels({
      ...(pathCap !== undefined && { cap: pathCap }),
      onNew: (path) => {
        this.#begin(path);
      },
    });
  }

  readonly take: OnEvents = ({ monitor, environment, session }, events, isReplay) => {
    const of = { monitor, environment };
    const known = this.#monitors.get(monitor);
    const flows = known?.session === session ? known.flows : new FlowPlaces();
    this.#monitors.set(monitor, { of, session, flows });
    for (const event of events) {
      if (!isReplay) this.#count(of, event, flows);
      flows.follow(event);
    }
  };

  /** The labels to use for a path of a gauge; keeps its counters alive too. */
  admit(path: Path): Path {
    const admitted = this.#paths.admit(path, this.#clock.monoMs());
    if (isOverflow(admitted)) {
      const { environment, monitor } = path;
      this.#metrics.holdfast_path_labels_overflow_total.inc({ environment, monitor });
    }
    return admitted;
  }

  /** Living flows whose source address was lost, by path; a path with living flows and none lost has 0. */
  sourceLoss(): { path: Path; flows: number }[] {
    const byPath = new Map<string, { path: Path; flows: number }>();
    for (const { of, flows } of this.#monitors.values()) {
      for (const { vantage, vip, protocol, path: node, isSourceLost } of flows.living()) {
        const path = { ...of, vantage, vip, protocol, path: node };
        const key = JSON.stringify(path);
        const counted = byPath.get(key) ?? { path, flows: 0 };
        byPath.set(key, { path, flows: counted.flows + (isSourceLost ? 1 : 0) });
      }
    }
    return [...byPath.values()];
  }

  /** Monitors that are no more; their paths leave after an hour, as all that is unused. */
  forgetMonitorsBut(names: ReadonlySet<string>): void {
    for (const name of this.#monitors.keys()) if (!names.has(name)) this.#monitors.delete(name);
  }

  expire(): void {
    const { holdfast_exchanges_total, holdfast_fresh_dials_total, holdfast_flow_breaks_total } = this.#metrics;
    for (const path of this.#paths.expire(this.#clock.monoMs())) {
      for (const outcome of Object.values(OUTCOMES)) {
        holdfast_exchanges_total.remove({ ...path, outcome });
        holdfast_fresh_dials_total.remove({ ...path, outcome });
      }
      for (const cause of BREAK_CAUSES) holdfast_flow_breaks_total.remove({ ...path, cause });
      this.#metrics.holdfast_exchange_latency_seconds.remove(path);
    }
  }

  /** Counters begin with 0: `increase` does not see the first step of a series that begins with it. */
  #begin(path: Path): void {
    for (const outcome of Object.values(OUTCOMES)) this.#metrics.holdfast_exchanges_total.inc({ ...path, outcome }, 0);
    for (const cause of BREAK_CAUSES) this.#metrics.holdfast_flow_breaks_total.inc({ ...path, cause }, 0);
  }

  #count(of: Of, event: JournalEvent, flows: FlowPlaces): void {
    if (event.type === 'tally') this.#countTally(of, event);
    if (event.type === 'flow.broken') this.#countBreak(of, event, flows);
    if (event.type === 'prober.ill') {
      const seconds = atLeastZero((event.untilT - event.fromT) / 1_000);
      this.#metrics.holdfast_prober_ill_seconds_total.inc({ ...of, vantage: event.vantage }, seconds);
    }
    if (event.type === 'observer.blind') this.#metrics.holdfast_observer_blind_total.inc({ ...of, observer: event.observer });
  }

  #countTally(of: Of, event: EventOf<'tally'>): void {
    const { vantage, vip, protocol, path: node } = event;
    const path = this.admit({ ...of, vantage, vip, protocol, path: node });
    const counter = event.fresh === true ? this.#metrics.holdfast_fresh_dials_total : this.#metrics.holdfast_exchanges_total;
    for (const [field, outcome] of Object.entries(OUTCOMES)) {
      counter.inc({ ...path, outcome }, atLeastZero(event[field as keyof typeof OUTCOMES]));
    }
    if (event.fresh !== true) this.#metrics.holdfast_exchange_latency_seconds.add(path, event.rtt);
  }

  #countBreak(of: Of, event: EventOf<'flow.broken'>, flows: FlowPlaces): void {
    // A flow that this process never saw opened: the journal of its opening is gone.
    const place = flows.of(event.flow) ?? { vantage: vantageOf(event) ?? 'unknown', vip: 'unknown', protocol: 'unknown', path: 'unknown' };
    const { vantage, vip, protocol, path: node } = place;
    const path = this.admit({ ...of, vantage, vip, protocol, path: node });
    this.#metrics.holdfast_flow_breaks_total.inc({ ...path, cause: event.breakCause });
  }
}

/** A counter refuses to fall, and an agent may send anything. */
function atLeastZero(value: number): number {
  return Number.isFinite(value) ? Math.max(0, value) : 0;
}
