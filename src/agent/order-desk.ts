// Which orders an agent takes: signed by the key it pinned, addressed to it, and newer than the last. What it took survives it.
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { z } from 'zod';
import { enrolment, type Enrolment, type Order, type SignedOrder, signedOrder } from '../core/agent-messages.ts';
import { AppError, messageOf } from '../core/errors.ts';
import { keyFingerprint, verifiedOrder } from '../io/order-signature.ts';
import { writeWholeFile } from '../io/whole-file.ts';

/** `old`: not newer than the last one that was taken; nothing was changed. */
export type OrderOutcome = { kind: 'taken'; order: Order } | { kind: 'old'; serial: number };

export class OrderDesk {
  readonly #agent: string;
  readonly #pinPath: string;
  readonly #orderPath: string;
  #pinned: Enrolment | null;
  #last: Order | null = null;

  /**
   * @param folder the agent's state; read now
   * @param fingerprint of the controller's key when the agent's file names it, else null
   * @throws AppError FORBIDDEN when the pinned key is another than the file's, PROTOCOL when a file of the folder is damaged
   */
  constructor(agent: string, folder: string, fingerprint: string | null) {
    this.#agent = agent;
    this.#pinPath = join(folder, 'controller.json');
    this.#orderPath = join(folder, 'order.json');
    this.#pinned = readState(this.#pinPath, enrolment);
    if (this.#pinned && fingerprint !== null) this.#refuseUnless(fingerprint, this.#pinned);
    const kept = readState(this.#orderPath, signedOrder);
    // Verified again: a folder is easier to write to than a signature is to forge.
    if (kept && this.#pinned) this.#last = this.#fromDisk(kept, this.#pinned);
  }

  get pinned(): Enrolment | null {
    return this.#pinned;
  }

  /** The newest order that was taken, in this life or an earlier one. */
  get last(): Order | null {
    return this.#last;
  }

  /** Serial of that; -1 when none. */
  get serial(): number {
    return this.#last?.serial ?? -1;
  }

  /**
   * Pins the controller at the first contact; at every later one it must be the same.
   * @throws AppError FORBIDDEN when it is not, or not the one the agent's file names
   */
  enrol(found: Enrolment, fingerprint: string | null): void {
    if (found.agent !== this.#agent) {
      throw new AppError('FORBIDDEN', `the token belongs to the agent ${found.agent}, and this is ${this.#agent}`, {
        remedy: `give ${this.#agent} a token of its own`,
      });
    }
    if (this.#pinned) this.#refuseUnless(keyFingerprint(this.#pinned.controllerKey), found);
    if (fingerprint !== null) this.#refuseUnless(fingerprint, found);
    if (JSON.stringify(this.#pinned) === JSON.stringify(found)) return;
    writeWholeFile(this.#pinPath, `${JSON.stringify(found)}\n`, 0o600);
    this.#pinned = found;
  }

  /**
   * On disk before it is taken: after a crash an older one is refused all the same.
   * @throws AppError FORBIDDEN for one that is forged, for somebody else, or comes before a key was pinned; PROTOCOL; DISK
   */
  take(signed: SignedOrder): OrderOutcome {
    if (!this.#pinned) throw new AppError('FORBIDDEN', 'an order came before this agent knew whose orders to take');
    const order = this.#verified(signed, this.#pinned);
    if (order.serial <= this.serial) return { kind: 'old', serial: this.serial };
    writeWholeFile(this.#orderPath, `${JSON.stringify(signed)}\n`, 0o600);
    this.#last = order;
    return { kind: 'taken', order };
  }

  #fromDisk(signed: SignedOrder, pinned: Enrolment): Order {
    try {
      return this.#verified(signed, pinned);
    } catch (cause) {
      throw new AppError('FORBIDDEN', `${this.#orderPath} holds no order that this agent could have taken: ${messageOf(cause)}`, {
        remedy: 'find out who changed it, then remove it: the service sends its newest order again',
        cause,
      });
    }
  }

  #verified(signed: SignedOrder, { controllerKey }: Enrolment): Order {
    const order = verifiedOrder(signed, controllerKey);
    if (order.agent === this.#agent) return order;
    throw new AppError('FORBIDDEN', `the order is for the agent ${order.agent}, and this is ${this.#agent}`);
  }

  #refuseUnless(expected: string, found: Enrolment): void {
    const fingerprint = keyFingerprint(found.controllerKey);
    if (fingerprint === expected) return;
    throw new AppError('FORBIDDEN', `the service signs orders with the key ${fingerprint}, and this agent trusts ${expected} alone`, {
      remedy: `if the service was really given a new key, end this agent, remove ${this.#pinPath} and start it again`,
    });
  }
}

/** A file of the state folder; null when it is not there. */
function readState<Schema extends z.ZodType>(path: string, schema: Schema): z.output<Schema> | null {
  let text: string;
  try {
    text = readFileSync(path, 'utf8');
  } catch (cause) {
    if ((cause as NodeJS.ErrnoException).code === 'ENOENT') return null;
    throw new AppError('FILE_UNREADABLE', `${path} cannot be read: ${messageOf(cause)}`, { cause });
  }
  try {
    return schema.parse(JSON.parse(text));
  } catch (cause) {
    throw new AppError('PROTOCOL', `${path} is damaged`, { remedy: 'remove it; the agent then asks the service again', cause });
  }
}
