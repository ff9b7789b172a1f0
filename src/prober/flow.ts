// One held flow: numbers its exchanges, knows where it comes in, and tells when and why it breaks.
//
//   TCP   open --- reset, close or silence ---> broken (over: its seat gets a new flow)
//   UDP   open --- silence ---> broken --- an answer ---> open …
import type { BreakCause } from '../core/journal.ts';
import type { Answer, Echo } from '../core/wire.ts';
import { type Exchange, Exchanges } from './exchanges.ts';
import { type Holding, see } from './holding.ts';
import type { Conversation, Listener, Target, Trouble } from './protocols/protocol.ts';
import { isSameSighting, type Sighting, sighting, UNKNOWN_PATH } from './sighting.ts';
import type { Verdict } from './tally-book.ts';

export type Opened = { id: string; target: Target; conversation: Conversation; answer: Answer; rttMs: number; replaces: Flow | null };

/** Answered by somebody whom a hello must name first. */
type Unattributed = Exchange & { token: bigint; sourceHash: bigint; verdict: Verdict; atT: number };

export class Flow implements Listener {
  readonly id: string;
  readonly target: Target;
  readonly conversation: Conversation;
  readonly sourceAddress: string;
  readonly #holding: Holding;
  /** Called once when a flow that breaks for good has broken. */
  readonly #onOver: (flow: Flow) => void;
  readonly #exchanges: Exchanges;
  #sighting: Sighting;
  #token: bigint;
  #sourceHash: bigint;
  #unattributed: Unattributed[] = [];
  #lastOkT: number;
  #lastRttMs: number;
  #isBroken = false;
  #isOver = false;
  /** ICMP errors since the last answer, up to the break. */
  #signs: string[] = [];

  constructor(opened: Opened, holding: Holding, onOver: (flow: Flow) => void) {
    const { id, target, conversation, answer, rttMs, replaces } = opened;
    const nowT = holding.nowT();
    this.id = id;
    this.target = target;
    this.conversation = conversation;
    this.sourceAddress = conversation.sourceAddress;
    this.#holding = holding;
    this.#onOver = onOver;
    this.#exchanges = new Exchanges(nowT);
    this.#token = answer.token;
    this.#sourceHash = answer.sourceHash;
    this.#sighting = see(holding, answer, this.sourceAddress);
    this.#lastOkT = nowT;
    this.#lastRttMs = rttMs;
    conversation.listener = this;
    const { population } = holding;
    holding.tell(nowT, 'flow.opened', {
      flow: id,
      probe: population.probe,
      protocol: population.protocol,
      sourceAddress: this.sourceAddress,
      sourcePort: target.sourcePort,
      vip: population.vip.name,
      port: target.port,
      ...this.#sighting,
      rttMs,
      ...(replaces ? { replaces: replaces.id } : {}),
    });
  }

  /** Ingress node, or `unknown`: where exchanges without an echo of their own are counted. */
  get path(): string {
    return this.#sighting.ingress ?? UNKNOWN_PATH;
  }

  get isBroken(): boolean {
    return this.#isBroken;
  }

  get unanswered(): number {
    return this.#exchanges.count + this.#unattributed.length;
  }

  /** Sends one exchange. It must be scheduled in the book already. */
  send(exchange: Exchange): void {
    if (this.conversation.heartbeat(exchange.sequence)) this.#exchanges.sent(exchange);
    else this.#judge(exchange, 'notSent');
  }

  onEcho(echo: Echo): void {
    const atT = this.#holding.nowT();
    const exchange = this.#exchanges.answered(echo.sequence, atT);
    if (!exchange) return;
    const verdict = this.#verdictOf(exchange, atT);
    if (echo.token !== this.#token || echo.sourceHash !== this.#sourceHash) {
      const identity = this.#holding.identities.byToken(echo.token);
      if (!identity || echo.sourceHash !== this.#sourceHash) {
        this.#unattributed.push({ ...exchange, token: echo.token, sourceHash: echo.sourceHash, verdict, atT });
        this.conversation.greet();
        return;
      }
      this.#token = echo.token;
      const { population, nodes } = this.#holding;
      const { sourceAddress } = this;
      const { observedSource } = this.#sighting;
      this.#nowSeen(sighting({ identity, sourceAddress, observedSource, policy: population.vip.policy, nodes }), atT);
    }
    this.#answered(exchange, verdict, atT);
  }

  onAnswer(answer: Answer): void {
    const mine = ({ token, sourceHash }: Unattributed) => token === answer.token && sourceHash === answer.sourceHash;
    const attributed = this.#unattributed.filter(mine);
    this.#unattributed = this.#unattributed.filter((exchange) => !mine(exchange));
    this.#token = answer.token;
    this.#sourceHash = answer.sourceHash;
    const firstT = attributed[0]?.atT ?? this.#holding.nowT();
    this.#nowSeen(see(this.#holding, answer, this.sourceAddress), firstT);
    for (const exchange of attributed) this.#answered(exchange, exchange.verdict, exchange.atT);
  }

  onUnsent(sequence: number): void {
    const exchange = this.#exchanges.unsent(sequence);
    if (exchange) this.#judge(exchange, 'notSent');
  }

  onTrouble(trouble: Trouble): void {
    if (!trouble.isOver) {
      // Of a break that was told already nobody asks any more, and it may last for weeks.
      if (trouble.kind !== 'own' && !this.#isBroken) this.#signs.push(trouble.evidence);
      return;
    }
    const nowT = this.#holding.nowT();
    // Nothing of ours can break a flow that is open, but the error must go somewhere: the path is not to blame less than a reset.
    this.#break(nowT, { cause: causeOf(trouble), onsetT: nowT, evidence: trouble.evidence });
  }

  /**
   * Judges the exchanges that have waited long enough, and the flow's silence. Only after the sockets were read.
   * @param isBeating false once heartbeats have ended: silence then means nothing
   */
  judge(nowT: number, isBeating: boolean): void {
    const { stallAfterMs } = this.#holding.population;
    this.#giveUp(nowT - stallAfterMs, nowT);
    if (this.#isBroken || !isBeating) return;
    const sinceT = this.#exchanges.stalledSince(nowT, stallAfterMs, (fromT) => this.#holding.health.illMs(fromT, nowT));
    if (sinceT === null) return;
    this.#holding.health.readAddresses(nowT);
    const signs = this.#signs.length > 0 ? `, ICMP: ${[...new Set(this.#signs)].join(' ')} (${String(this.#signs.length)})` : '';
    this.#break(nowT, {
      cause: this.#signs.length > 0 ? 'unreachable' : 'stalled',
      onsetT: sinceT + this.#lastRttMs,
      evidence: `no answer for ${String(stallAfterMs)} ms${signs}`,
    });
  }

  /** Ends the flow; what is unanswered and was not given the time to be answered is nobody's loss. */
  close(nowT: number): void {
    this.#isOver = true;
    this.conversation.reset();
    this.#giveUp(nowT - this.#holding.population.timeoutMs, nowT);
    for (const exchange of this.#exchanges.giveUp(Infinity)) this.#judge(exchange, 'invalid');
    for (const exchange of this.#unattributed.splice(0)) this.#judge(exchange, exchange.verdict, exchange.atT);
  }

  #giveUp(dueT: number, nowT: number): void {
    for (const exchange of this.#exchanges.giveUp(dueT)) {
      this.#judge(exchange, this.#holding.health.wasIll(exchange.dueT, nowT) ? 'invalid' : 'lost');
    }
    // Answered, but the hello that would have named by whom was not: the flow's last path has to do.
    while (this.#unattributed[0] && this.#unattributed[0].dueT <= dueT) {
      const exchange = this.#unattributed.shift();
      if (exchange) this.#judge(exchange, exchange.verdict, exchange.atT);
    }
  }

  /** A reply that came while the prober stood still tells when it was read, not when it arrived. */
  #verdictOf(exchange: Exchange, atT: number): Verdict {
    if (this.#holding.health.wasIll(exchange.dueT, atT)) return 'invalid';
    return atT - exchange.dueT <= this.#holding.population.timeoutMs ? 'ok' : 'late';
  }

  #answered(exchange: Exchange, verdict: Verdict, atT: number): void {
    this.#judge(exchange, verdict, atT);
    this.#signs = [];
    if (this.#isBroken) {
      this.#isBroken = false;
      this.#holding.tell(atT, 'flow.recovered', { flow: this.id, ...this.#sighting });
    } else if (verdict !== 'late') {
      this.#tellIfQuiet(atT);
    }
    if (verdict === 'late') return;
    this.#lastOkT = atT;
    if (verdict === 'ok') this.#lastRttMs = atT - exchange.dueT;
  }

  /** While the prober stood still nothing was asked: that time is not counted as silence. */
  #tellIfQuiet(untilT: number): void {
    const fromT = this.#lastOkT;
    const quietMs = untilT - fromT - this.#holding.health.illMs(fromT, untilT);
    if (quietMs > 2 * this.#holding.population.intervalMs) this.#holding.tell(untilT, 'flow.quiet', { flow: this.id, fromT, untilT });
  }

  #judge(exchange: Exchange, verdict: Verdict, atT?: number): void {
    const { book, account } = this.#holding;
    book.judge(account, {
      dueT: exchange.dueT,
      path: this.path,
      verdict,
      ...(atT === undefined ? {} : { latencyMs: atT - exchange.dueT }),
    });
  }

  #break(nowT: number, about: { cause: BreakCause; onsetT: number; evidence: string }): void {
    if (this.#isOver) return;
    this.#isBroken = true;
    this.#holding.tell(nowT, 'flow.broken', {
      flow: this.id,
      breakCause: about.cause,
      onsetT: about.onsetT,
      lastOkT: this.#lastOkT,
      evidence: about.evidence,
    });
    if (!this.#holding.protocol.breaksForGood) return;
    this.#isOver = true;
    this.conversation.reset();
    this.#giveUp(Infinity, nowT);
    this.#onOver(this);
  }

  #nowSeen(seen: Sighting, atT: number): void {
    const isNews = !isSameSighting(seen, this.#sighting);
    this.#sighting = seen;
    // A broken flow's new identity is told by its recovery.
    if (isNews && !this.#isBroken) this.#holding.tell(atT, 'flow.changed', { flow: this.id, ...seen });
  }
}

function causeOf(trouble: Trouble): BreakCause {
  switch (trouble.kind) {
    case 'reset':
    case 'refused':
    case 'own':
      return 'reset';
    case 'closed':
      return 'closed';
    case 'unreachable':
      return 'unreachable';
    case 'timeout':
      return 'stalled';
  }
}
