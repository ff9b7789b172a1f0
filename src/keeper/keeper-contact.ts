// How the janitor knows what its keeper is: answering, silent, or gone.
import type { ProcessIdentity } from '../io/process-identity.ts';
import type { ToJanitor } from './janitor-messages.ts';

/** `silent` is the dangerous one: the keeper exists and may go on with whatever it was doing, at any time. */
export type ContactState = 'answering' | 'silent' | 'gone';

const PING_EVERY_MS = 250;
/** An answer older than this says nothing about now. */
const FRESH_MS = 1_000;

export class KeeperContact {
  readonly #keeper: ProcessIdentity;
  readonly #isAlive: (identity: ProcessIdentity) => boolean;
  readonly #send: (ping: number) => void;
  #ping = 0;
  #sentMs = new Map<number, number>();
  /** When the last ping that was answered quietly had been sent. */
  #quietMs = -Infinity;
  #lastPingMs = -Infinity;

  constructor(keeper: ProcessIdentity, isAlive: (identity: ProcessIdentity) => boolean, send: (ping: number) => void) {
    this.#keeper = keeper;
    this.#isAlive = isAlive;
    this.#send = send;
  }

  /** Sends a ping when it is time, and tells what the keeper is now. */
  state(nowMs: number): ContactState {
    if (!this.#isAlive(this.#keeper)) return 'gone';
    if (nowMs - this.#lastPingMs >= PING_EVERY_MS) {
      this.#lastPingMs = nowMs;
      this.#ping += 1;
      this.#sentMs.set(this.#ping, nowMs);
      this.#send(this.#ping);
    }
    return nowMs - this.#quietMs < FRESH_MS ? 'answering' : 'silent';
  }

  /** A keeper that answers while it is injecting counts as silent: its command may still arrive. */
  take(pong: Extract<ToJanitor, { op: 'pong' }>): void {
    const sentMs = this.#sentMs.get(pong.ping);
    if (sentMs === undefined) return;
    for (const ping of this.#sentMs.keys()) if (ping <= pong.ping) this.#sentMs.delete(ping);
    // Counted from the sending: an answer tells of the time after the question, not of how long it took to arrive.
    if (pong.isQuiet) this.#quietMs = sentMs;
  }
}
