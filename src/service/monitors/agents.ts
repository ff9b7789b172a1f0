// The agents that belong to this service: where each sits, what it said last, and the orders it gets.
//
// An order is all that an agent has to hold. It goes out at every change and at the start, and again while the agent says that it has
// an older one: so a queue that lost it, or was away, loses nothing but time.
import { AGENT_SCHEMA, agentState, type AgentState, type HoldingOrder, type SignedOrder } from '../../core/agent-messages.ts';
import { AppError, messageOf } from '../../core/errors.ts';
import { signOrder, type SigningKey } from '../../io/order-signature.ts';
import type { ServiceClock } from '../parts.ts';
import type { Store } from '../store/open-store.ts';

/** An agent tells its state every 2 s; silent for longer than this it is said to be. */
const SILENT_AFTER_MS = 10_000;
const RESEND_AT_MOST_EVERY_MS = 3_000;

export type AgentPlace = { name: string; environment: string; vantage: string };
export type Agent = AgentPlace & {
  serial: number;
  /** Unix ms; null before its first word. */
  lastSeenMs: number | null;
  state: AgentState | null;
  /** On the monotonic clock: its last word, or when this service began to listen. */
  heardMonoMs: number;
  /** Whether it has said anything to this service since it began to listen. */
  hasSpoken: boolean;
  sentMonoMs: number;
};

export type AgentTools = {
  store: Store;
  clock: ServiceClock;
  key: SigningKey;
  sendOrder: (agent: string, order: SignedOrder) => Promise<void>;
  /** What an agent has to hold now. */
  holdings: (place: AgentPlace) => HoldingOrder[];
  log: (line: string) => void;
};

export class Agents {
  readonly #tools: AgentTools;
  readonly #agents = new Map<string, Agent>();
  /** Of agents whose newest order did not go out: why. */
  readonly #unsent = new Map<string, string>();

  private constructor(tools: AgentTools) {
    this.#tools = tools;
  }

  static async open(tools: AgentTools): Promise<Agents> {
    const agents = new Agents(tools);
    for (const row of await tools.store.selectFrom('agents').selectAll().execute()) {
      const { name, environment, vantage, serial } = row;
      const state = row.state === null ? null : (agentState.safeParse(JSON.parse(row.state)).data ?? null);
      agents.#agents.set(name, { ...agents.#unheard({ name, environment, vantage }), serial, lastSeenMs: row.last_seen_ms, state });
    }
    return agents;
  }

  get problems(): string[] {
    return [...this.#unsent].map(([agent, why]) => `the newest order for the agent ${agent} could not be sent: ${why}`);
  }

  get names(): string[] {
    return [...this.#agents.keys()];
  }

  /** @throws AppError FORBIDDEN for a name that is none of its agents */
  get(name: string): Agent {
    const agent = this.#agents.get(name);
    if (agent) return agent;
    throw new AppError('FORBIDDEN', `${name} is no agent of this service`, { remedy: 'add the agent to the service, or end it' });
  }

  at(environment: string, vantage: string): Agent | null {
    return [...this.#agents.values()].find((agent) => agent.environment === environment && agent.vantage === vantage) ?? null;
  }

  /** Whether it has said nothing for over 10 s in which this service could have heard it. */
  isSilent(agent: Agent): boolean {
    return this.#tools.clock.monoMs() - agent.heardMonoMs > SILENT_AFTER_MS;
  }

  /** Makes an agent known or moves it; it gets its order. @throws AppError CONFLICT when the vantage has another */
  async add(place: AgentPlace): Promise<void> {
    const other = this.at(place.environment, place.vantage);
    if (other && other.name !== place.name) {
      throw new AppError('CONFLICT', `the vantage ${place.vantage} of ${place.environment} has an agent already: ${other.name}`, {
        remedy: `remove ${other.name} first`,
      });
    }
    const known = this.#agents.get(place.name);
    if (known?.environment === place.environment && known.vantage === place.vantage) return;
    const { name, environment, vantage } = place;
    await this.#tools.store
      .insertInto('agents')
      .values({ name, environment, vantage, serial: 0, last_seen_ms: null, state: null })
      .onConflict((conflict) => conflict.column('name').doUpdateSet({ environment, vantage }))
      .execute();
    // The serial goes on: an order with a lower one than the last would be refused.
    this.#agents.set(name, { ...this.#unheard(place), serial: known?.serial ?? 0 });
    await this.order(name);
  }

  /** @throws AppError UNKNOWN_NAME */
  async remove(name: string): Promise<void> {
    if (!this.#agents.has(name)) throw new AppError('UNKNOWN_NAME', `there is no agent ${name}`);
    // Its last order: hold nothing. One that is away ends its flows when nobody takes its chunks.
    await this.#issue(this.get(name), []);
    this.#agents.delete(name);
    this.#unsent.delete(name);
    await this.#tools.store.deleteFrom('agents').where('name', '=', name).execute();
  }

  /** Takes what an agent says of itself; sends its order again if it has an older one. @returns the newest serial */
  async takeState(name: string, state: AgentState): Promise<number> {
    const agent = this.get(name);
    const { clock, store } = this.#tools;
    agent.heardMonoMs = clock.monoMs();
    agent.hasSpoken = true;
    agent.lastSeenMs = clock.nowMs();
    agent.state = state;
    await store
      .updateTable('agents')
      .set({ last_seen_ms: agent.lastSeenMs, state: JSON.stringify(state) })
      .where('name', '=', name)
      .execute();
    // Newer than any of ours: the store was made anew under an agent that kept its memory. It is answered from above.
    const isAhead = state.serial > agent.serial && state.serial < Number.MAX_SAFE_INTEGER;
    if (isAhead) agent.serial = state.serial;
    const isDue = clock.monoMs() - agent.sentMonoMs >= RESEND_AT_MOST_EVERY_MS;
    if (isAhead) await this.order(name);
    else if (state.serial < agent.serial && isDue) await this.#send(agent, this.#tools.holdings(agent));
    return agent.serial;
  }

  /** Makes and sends the next order of one agent. One that cannot be sent is a problem, not an error: it goes again. */
  async order(name: string): Promise<void> {
    const agent = this.get(name);
    await this.#issue(agent, this.#tools.holdings(agent));
  }

  async orderAll(environment?: string): Promise<void> {
    const concerned = [...this.#agents.values()].filter((agent) => environment === undefined || agent.environment === environment);
    await Promise.all(concerned.map(({ name }) => this.order(name)));
  }

  async #issue(agent: Agent, holdings: HoldingOrder[]): Promise<void> {
    agent.serial += 1;
    const { name, serial } = agent;
    // Stored first: a serial that went out is never used for another order.
    await this.#tools.store.updateTable('agents').set({ serial }).where('name', '=', name).execute();
    await this.#send(agent, holdings);
  }

  async #send(agent: Agent, holdings: HoldingOrder[]): Promise<void> {
    const { clock, key, log } = this.#tools;
    const { name, serial } = agent;
    agent.sentMonoMs = clock.monoMs();
    try {
      await this.#tools.sendOrder(name, signOrder({ schema: AGENT_SCHEMA, agent: name, serial, issuedMs: clock.nowMs(), holdings }, key));
      this.#unsent.delete(name);
    } catch (error) {
      this.#unsent.set(name, messageOf(error));
      log(`the order ${String(serial)} for the agent ${name} could not be sent: ${messageOf(error)}`);
    }
  }

  #unheard(place: AgentPlace): Agent {
    const { name, environment, vantage } = place;
    return {
      name,
      environment,
      vantage,
      serial: 0,
      lastSeenMs: null,
      state: null,
      hasSpoken: false,
      heardMonoMs: this.#tools.clock.monoMs(),
      sentMonoMs: -Infinity,
    };
  }
}
