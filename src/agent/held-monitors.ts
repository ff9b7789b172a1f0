// All that the newest order says to hold: probers that it names go on untouched, others end.
import type { AllowList } from '../core/agent-file.ts';
import type { HoldingOrder, Order } from '../core/agent-messages.ts';
import { admitted } from './allow-list.ts';
import { HeldMonitor, type HoldingReport, type HoldingTools } from './held-monitor.ts';

export class HeldMonitors implements AsyncDisposable {
  readonly #allow: AllowList;
  readonly #tools: HoldingTools;
  readonly #held = new Map<string, HeldMonitor>();
  readonly #ending = new Set<Promise<void>>();
  #refused: HoldingReport[] = [];
  #isClosed = false;

  constructor(allow: AllowList, tools: HoldingTools) {
    this.#allow = allow;
    this.#tools = tools;
  }

  /** For the agent's state: every holding of the newest order, the refused ones too. */
  get reports(): HoldingReport[] {
    return [...[...this.#held.values()].map(({ report }) => report), ...this.#refused];
  }

  /** Holds what the order says and this agent allows, and nothing else. Returns at once: probers start and end by themselves. */
  follow(order: Order): void {
    if (this.#isClosed) return;
    const admissions = admitted(order.holdings, this.#allow);
    const wanted = new Map(admissions.flatMap(({ holding, refusal }) => (refusal === null ? [[holding.monitor, holding] as const] : [])));
    this.#refused = admissions.flatMap(({ holding: { monitor, session }, refusal }) =>
      refusal === null ? [] : [{ monitor, session, state: 'refused' as const, why: refusal, open: 0, broken: 0, isIll: false }],
    );
    for (const { monitor, why } of this.#refused) this.#tools.log(`${monitor} is refused: ${why ?? ''}`);
    for (const [monitor, held] of this.#held) {
      const next = wanted.get(monitor);
      if (next && isSame(next, held.holding)) wanted.delete(monitor);
      else if (!next) {
        this.#held.delete(monitor);
        void this.#end(held);
      }
    }
    for (const [monitor, holding] of wanted) {
      const before = this.#held.get(monitor);
      this.#tools.log(`${monitor}: ${before ? 'held anew, as its order changed' : 'held from now on'}`);
      this.#held.set(monitor, new HeldMonitor(holding, this.#tools, before ? this.#end(before) : Promise.resolve()));
    }
  }

  /** Ends every prober in order. */
  async [Symbol.asyncDispose](): Promise<void> {
    this.#isClosed = true;
    for (const held of this.#held.values()) void this.#end(held);
    await Promise.all(this.#ending);
  }

  #end(held: HeldMonitor): Promise<void> {
    const ended = held[Symbol.asyncDispose]().finally(() => this.#ending.delete(ended));
    this.#ending.add(ended);
    return ended;
  }
}

/** Both come from one schema, which puts the keys in one order. */
function isSame(a: HoldingOrder, b: HoldingOrder): boolean {
  return JSON.stringify(a) === JSON.stringify(b);
}
