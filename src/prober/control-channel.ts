// The prober's side of the control channel: what it says, in few writes, and never more than its reader can hold.
import type { Writable } from 'node:stream';
import type { FromProber } from '../core/control.ts';
import type { JournalEvent } from '../core/journal.ts';
import type { Tell } from './told.ts';

/** Beyond this the runner does not keep up with the live view, which may miss something. */
const CROWDED_BYTES = 1 << 20;
/** Beyond this it does not read at all, and a prober whose story nobody hears has no reason to go on. */
const FULL_BYTES = 256 << 20;

export class ControlChannel {
  readonly #output: Writable;
  readonly #onFull: () => void;
  #lines: string[] = [];

  constructor(output: Writable, onFull: () => void) {
    this.#output = output;
    this.#onFull = onFull;
  }

  /** Says it at the end of this turn of the event loop, together with all else that was said in it. */
  say(message: FromProber): void {
    const waitingBytes = this.#output.writableLength;
    if (message.type === 'pulse' && waitingBytes > CROWDED_BYTES) return;
    if (waitingBytes > FULL_BYTES) {
      this.#onFull();
      return;
    }
    if (this.#lines.length === 0) {
      setImmediate(() => {
        this.#flush();
      });
    }
    this.#lines.push(JSON.stringify(message));
  }

  /** Resolves once all that was said has left. */
  async drained(): Promise<void> {
    this.#flush();
    if (this.#output.writable)
      await new Promise<void>((resolve) =>
        this.#output.write('', () => {
          resolve();
        }),
      );
  }

  #flush(): void {
    if (this.#lines.length === 0) return;
    const text = `${this.#lines.join('\n')}\n`;
    this.#lines = [];
    if (this.#output.writable) this.#output.write(text);
  }
}

/** Turns what the parts tell into events: signed, numbered, times rounded to a microsecond. */
export function eventTeller(about: { vantage: string; clockErrMs: number }, say: (message: FromProber) => void): Tell {
  let seq = 0;
  return (t, type, fields) => {
    const event = {
      t,
      from: `prober:${about.vantage}`,
      seq,
      ...(about.clockErrMs > 0 ? { clockErrMs: about.clockErrMs } : {}),
      type,
      ...fields,
    };
    seq += 1;
    say({ type: 'event', event: rounded(event) as unknown as JournalEvent });
  };
}

function rounded(event: Record<string, unknown>): Record<string, unknown> {
  for (const [key, value] of Object.entries(event)) if (typeof value === 'number') event[key] = Math.round(value * 1_000) / 1_000;
  return event;
}
