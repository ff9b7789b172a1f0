// Fresh dials: what a new user gets. So many new source ports a second, dialled, asked who is there, and closed.
import { DIAL_LIMIT_MS, type Dialler } from './dialler.ts';
import { type Holding, see } from './holding.ts';
import { type Turn, TurnCursor } from './schedule.ts';
import { UNKNOWN_PATH } from './sighting.ts';
import type { Account } from './tally-book.ts';

const TOO_LATE_MS = 100;
const OWN_FAILURES = 5;

/** The fresh dials of one protocol through one VIP. */
export class FreshDials {
  readonly #holding: Holding;
  readonly #dialler: Dialler;
  readonly #signal: AbortSignal;
  readonly #account: Account;
  readonly #cursor: TurnCursor;

  /** @param options `perSecond` at least 1 */
  constructor(options: { holding: Holding; dialler: Dialler; perSecond: number; originT: number; signal: AbortSignal }) {
    const { holding, dialler, perSecond, originT, signal } = options;
    this.#holding = holding;
    this.#dialler = dialler;
    this.#signal = signal;
    this.#account = { ...holding.account, fresh: true };
    this.#cursor = new TurnCursor({ originT, intervalMs: 1_000, seats: perSecond });
  }

  dialDue(nowT: number): void {
    this.#cursor.advance(nowT, (turn) => {
      this.#holding.book.schedule(turn.dueT);
      if (nowT - turn.dueT > TOO_LATE_MS) this.#judge(turn, UNKNOWN_PATH, 'notSent');
      else void this.#dial(turn);
    });
  }

  async #dial(turn: Turn): Promise<void> {
    const { protocol, population, nowT } = this.#holding;
    for (let tried = 0; tried < OWN_FAILURES; tried++) {
      const target = this.#dialler.freshTarget(protocol, population, 0);
      if (!target) break;
      const timeoutMs = Math.max(DIAL_LIMIT_MS, population.timeoutMs);
      const outcome = await this.#dialler.dial(protocol, target, { timeoutMs, signal: this.#signal });
      this.#dialler.portsOf(protocol).release(target.sourcePort);
      switch (outcome.kind) {
        case 'opened': {
          const { sourceAddress } = outcome.conversation; // read while the socket is there
          outcome.conversation.reset();
          const { ingress } = see(this.#holding, outcome.answer, sourceAddress);
          this.#judge(turn, ingress ?? UNKNOWN_PATH, nowT() - turn.dueT <= population.timeoutMs ? 'ok' : 'late');
          return;
        }
        case 'failed':
          this.#judge(turn, UNKNOWN_PATH, 'lost');
          return;
        case 'cancelled':
          this.#judge(turn, UNKNOWN_PATH, 'invalid');
          return;
        case 'own': // another port
      }
    }
    this.#judge(turn, UNKNOWN_PATH, 'notSent');
  }

  #judge(turn: Turn, path: string, verdict: 'ok' | 'late' | 'lost' | 'notSent' | 'invalid'): void {
    const { book, health, nowT } = this.#holding;
    const atT = nowT();
    const isIll = health.wasIll(turn.dueT, atT);
    book.judge(this.#account, { dueT: turn.dueT, path, verdict: isIll ? 'invalid' : verdict, latencyMs: atT - turn.dueT });
  }
}
