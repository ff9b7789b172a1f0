// Every flow this responder serves: the server's view, and the reaper of flows that fell silent.
//
// A socket left half-open by a reset elsewhere answers a flow that is later rehashed onto it with challenge ACKs instead of a
// reset, and that flow stalls silently. So silence of a few heartbeats ends a flow here.

/** Heartbeats that may be missing before a flow is reaped, however short the configured time. */
const MIN_SILENT_HEARTBEATS = 4;
const REAPING_EVERY_MS = 500;

export type ServedFlow = {
  readonly protocol: 'tcp' | 'udp';
  readonly sourceAddress: string;
  readonly sourcePort: number;
  /** Number of the flow within its prober; null before its hello. */
  flow: number | null;
  runTag: bigint | null;
  echoes: number;
};
type Entry = ServedFlow & { heardMs: number; patienceMs: number; drop: Drop };

/** Ends a flow: `silent` at once and without a trace, `closing` as a server that is shut down does. */
export type Drop = (why: 'silent' | 'closing') => void;

export type FlowTableOptions = {
  /** Silence after which a flow is reaped, but never less than four of its heartbeats. */
  reapAfterMs: number;
  maxFlows: number;
  now: () => number;
};

export class FlowTable implements Disposable {
  readonly #entries = new Set<Entry>();
  readonly #options: FlowTableOptions;
  readonly #reaper: NodeJS.Timeout;
  /** Read by every heartbeat; a clock reading each would cost more than the rest of the echo. */
  #coarseNowMs: number;
  #reaped = 0;

  constructor(options: FlowTableOptions) {
    this.#options = options;
    this.#coarseNowMs = options.now();
    this.#reaper = setInterval(() => {
      this.#reap();
    }, REAPING_EVERY_MS).unref();
  }

  /** Enters a flow. `drop` is called when it was silent for too long, or must give way: the table is bounded. */
  enter(served: Omit<ServedFlow, 'flow' | 'runTag' | 'echoes'>, drop: Drop): Entry {
    const [oldest] = this.#entries;
    if (oldest && this.#entries.size >= this.#options.maxFlows) this.#drop(oldest, 'silent');
    const entry: Entry = {
      ...served,
      flow: null,
      runTag: null,
      echoes: 0,
      heardMs: this.#coarseNowMs,
      patienceMs: this.#options.reapAfterMs,
      drop,
    };
    this.#entries.add(entry);
    return entry;
  }

  greeted(entry: Entry, hello: { flow: number; runTag: bigint; intervalMs: number }): void {
    entry.flow = hello.flow;
    entry.runTag = hello.runTag;
    entry.heardMs = this.#coarseNowMs;
    entry.patienceMs = Math.max(this.#options.reapAfterMs, MIN_SILENT_HEARTBEATS * hello.intervalMs);
  }

  echoed(entry: Entry): void {
    entry.echoes += 1;
    entry.heardMs = this.#coarseNowMs;
  }

  leave(entry: Entry): void {
    this.#entries.delete(entry);
  }

  /** How many flows are served now, by protocol, and how many were reaped since the start. */
  counts(): { tcp: number; udp: number; reaped: number } {
    let tcp = 0;
    for (const { protocol } of this.#entries) if (protocol === 'tcp') tcp += 1;
    return { tcp, udp: this.#entries.size - tcp, reaped: this.#reaped };
  }

  /** The flows served now. */
  flows(): ServedFlow[] {
    return [...this.#entries].map(({ protocol, sourceAddress, sourcePort, flow, runTag, echoes }) => ({
      protocol,
      sourceAddress,
      sourcePort,
      flow,
      runTag,
      echoes,
    }));
  }

  [Symbol.dispose](): void {
    clearInterval(this.#reaper);
    for (const entry of this.#entries) this.#drop(entry, 'closing');
  }

  #reap(): void {
    this.#coarseNowMs = this.#options.now();
    for (const entry of this.#entries) {
      if (this.#coarseNowMs - entry.heardMs <= entry.patienceMs) continue;
      this.#reaped += 1;
      this.#drop(entry, 'silent');
    }
  }

  #drop(entry: Entry, why: Parameters<Drop>[0]): void {
    this.#entries.delete(entry);
    entry.drop(why);
  }
}
export type FlowEntry = Entry;
