// A service as an agent sees it: its three endpoints over real HTTP, with what they were told kept, and orders signed by a real key.
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import { text } from 'node:stream/consumers';
import { createGunzip } from 'node:zlib';
import {
  AGENT_SCHEMA,
  agentState,
  type AgentState,
  type AgentStateAnswer,
  chunk,
  type ChunkAnswer,
  type Enrolment,
  type HoldingOrder,
  type Order,
  type SignedOrder,
} from '../../src/core/agent-messages.ts';
import type { JournalEvent } from '../../src/core/journal.ts';
import { machineBootId, monoMs } from '../../src/io/clock.ts';
import { newSigningKeyPem, signingKey, signOrder } from '../../src/io/order-signature.ts';
import { aPopulation, PATIENT } from '../support/a-prober.ts';

export const TOKEN = 'hf_agent_a_token_for_tests';
export const AGENT = 'edge-1';

/** A holding of three flows ten times a second through 127.0.0.1. */
export function aHolding(port: number, holding: Partial<HoldingOrder> = {}): HoldingOrder {
  return {
    monitor: 'web-monitor',
    session: 's1',
    environment: 'lab',
    vantage: 'v1',
    t0ServiceMonoMs: monoMs(),
    runTag: '0123456789abcdef',
    sourceAddresses: ['127.0.0.1'],
    nodes: [{ name: 'n1', addresses: ['192.0.2.1'], podCidrs: [] }],
    populations: [aPopulation(port, { ...PATIENT, count: 3, freshDialsPerSec: 2 })],
    ...holding,
  };
}

export function anOrder(serial: number, holdings: HoldingOrder[], order: Partial<Order> = {}): Order {
  return { schema: AGENT_SCHEMA, agent: AGENT, serial, issuedMs: 0, holdings, ...order };
}

export class ServiceDouble implements AsyncDisposable {
  key = signingKey(newSigningKeyPem());
  /** Of all streams, by their names: what was taken, in order, each event once. */
  readonly streams = new Map<string, { session: string; events: JournalEvent[]; arrivedMs: number[] }>();
  /** Every chunk's first number and length, as they came: repeated ones too. */
  readonly chunks: { stream: string; firstSeq: number; count: number; errMs: number }[] = [];
  state: AgentState | null = null;
  /** Answers every request with this status instead. */
  failing: number | null = null;
  /** Takes a chunk and then says nothing, as a connection that breaks before the answer. */
  swallows = false;
  /** Sessions that nobody wants any more, and such as are refused. */
  readonly obsolete = new Set<string>();
  readonly refused = new Set<string>();
  /** In a chunk. */
  mostEvents = 20_000;
  /** Of this service's machine. */
  machine = { boot: machineBootId(), offsetMs: 0 };
  readonly #server = createServer((request, response) => {
    this.#answer(request, response).catch(() => response.destroy());
  });
  #port = 0;

  static async start(): Promise<ServiceDouble> {
    const service = new ServiceDouble();
    await service.open();
    return service;
  }

  get url(): string {
    return `http://127.0.0.1:${String(this.#port)}`;
  }

  /** Every event once. */
  get events(): JournalEvent[] {
    return [...this.streams.values()].flatMap(({ events }) => events);
  }

  /** Listens, also again after `close`, on the same port. */
  async open(): Promise<void> {
    await new Promise<void>((resolve) => this.#server.listen(this.#port, '127.0.0.1', resolve));
    const address = this.#server.address();
    if (address !== null && typeof address !== 'string') this.#port = address.port;
  }

  async close(): Promise<void> {
    this.#server.closeAllConnections();
    await new Promise((resolve) => this.#server.close(resolve));
  }

  order(serial: number, holdings: HoldingOrder[], order: Partial<Order> = {}): SignedOrder {
    return signOrder(anOrder(serial, holdings, order), this.key);
  }

  holdingNow(monitor = 'web-monitor'): AgentState['holdings'][number] {
    const found = this.state?.holdings.find((each) => each.monitor === monitor);
    if (!found) throw new Error(`the agent tells nothing of ${monitor}`);
    return found;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    if (this.#server.listening) await this.close();
  }

  async #answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const receivedMonoMs = this.#monoMs();
    const isPacked = request.headers['content-encoding'] === 'gzip';
    const body = await text(isPacked ? request.pipe(createGunzip()) : request);
    const answer = this.#answerTo(request, body, receivedMonoMs);
    if (this.swallows && request.url === '/api/v1/agent/chunks') response.destroy();
    else if (typeof answer === 'number') response.writeHead(answer).end();
    else response.setHeader('content-type', 'application/json').end(JSON.stringify(answer));
  }

  /** A document, or the status of a refusal. */
  #answerTo({ method = '', url = '', headers }: IncomingMessage, body: string, receivedMonoMs: number): object | number {
    if (this.failing !== null) return this.failing;
    if (headers.authorization !== `Bearer ${TOKEN}`) return 401;
    switch (`${method} ${url}`) {
      case 'GET /api/v1/agent/enrolment':
        return {
          schema: AGENT_SCHEMA,
          agent: AGENT,
          environment: 'lab',
          vantage: 'v1',
          controllerKey: this.key.publicPem,
        } satisfies Enrolment;
      case 'POST /api/v1/agent/state':
        this.state = agentState.parse(JSON.parse(body));
        return { serviceBoot: this.machine.boot, receivedMonoMs, sentMonoMs: this.#monoMs(), serial: 0 } satisfies AgentStateAnswer;
      case 'POST /api/v1/agent/chunks':
        return this.#take(body);
      default:
        return 404;
    }
  }

  #take(body: string): ChunkAnswer | number {
    const { session, stream, firstSeq, events, clock } = chunk.parse(JSON.parse(body));
    if (events.length > this.mostEvents) return 413;
    if (this.refused.has(session)) return 400;
    this.chunks.push({ stream, firstSeq, count: events.length, errMs: clock.errMs });
    if (this.obsolete.has(session)) return { nextSeq: firstSeq + events.length, isObsolete: true };
    const known = this.streams.get(stream) ?? { session, events: [], arrivedMs: [] };
    this.streams.set(stream, known);
    const nextSeq = known.events.length;
    if (firstSeq <= nextSeq) {
      const fresh = events.slice(nextSeq - firstSeq);
      known.events.push(...fresh);
      known.arrivedMs.push(...fresh.map(() => monoMs()));
    }
    return { nextSeq: known.events.length, isObsolete: false };
  }

  #monoMs(): number {
    return monoMs() + this.machine.offsetMs;
  }
}
