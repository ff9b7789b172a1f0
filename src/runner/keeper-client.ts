// A runner's line to its keeper: requests and answers over the keeper's Unix socket, and the events it pushes.
import { connect, type Socket } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import { AppError, ERROR_CODES, type ErrorCode, messageOf } from '../core/errors.ts';
import type { JournalEvent } from '../core/journal.ts';
import {
  type FromKeeper,
  fromKeeper,
  type KeeperStatus,
  type PlannedFault,
  type PlanStep,
  type ToKeeper,
} from '../core/keeper-messages.ts';
import { readMessages, writeMessage } from '../io/ndjson.ts';
import type { KeeperLink } from './fault-driver.ts';
import { keeperLastWords } from './keeper-last-words.ts';

type Answer = Extract<FromKeeper, { ok: true }>;
type Request = ToKeeper extends infer Each ? (Each extends ToKeeper ? Omit<Each, 'id'> : never) : never;
type Waiter = { resolve: (answer: Answer) => void; reject: (reason: Error) => void };

/** Longer than the keeper ever takes: an injection (30 s) and its revert (10 s). */
const ANSWER_MS = 60_000;
const RETRY_MS = 50;

/**
 * Connects to the keeper at `path`; a keeper that is just starting is waited for.
 * @throws AppError KEEPER_UNREACHABLE after `timeoutMs`
 */
export async function connectKeeper(
  path: string,
  { timeoutMs, signal }: { timeoutMs: number; signal: AbortSignal },
): Promise<KeeperClient> {
  const until = performance.now() + timeoutMs;
  for (;;) {
    try {
      return new KeeperClient(await open(path));
    } catch (cause) {
      if (performance.now() > until) {
        throw new AppError('KEEPER_UNREACHABLE', `no keeper answers at ${path}: ${messageOf(cause)}`, {
          remedy: 'start one: holdfast keeper --env … --file … --state …',
          cause,
        });
      }
      await sleep(RETRY_MS, undefined, { signal });
    }
  }
}

export class KeeperClient implements KeeperLink, Disposable {
  readonly closed: Promise<void>;
  readonly #socket: Socket;
  readonly #waiters = new Map<number, Waiter>();
  readonly #listeners: ((event: JournalEvent) => void)[] = [];
  #nextId = 1;
  #stateFolder: string | null = null;
  #why = 'the connection to the keeper ended';

  constructor(socket: Socket) {
    this.#socket = socket;
    socket.on('error', (error) => {
      this.#why = `the connection to the keeper broke: ${error.message}`;
    });
    this.closed = this.#read();
  }

  async acquire(runId: string, t0MonoMs: number): Promise<{ epoch: number; leaseMs: number }> {
    const { epoch, leaseMs, stateFolder } = await this.#ask({ op: 'acquire', runId, t0MonoMs });
    if (epoch === undefined || leaseMs === undefined) throw new AppError('PROTOCOL', 'the keeper granted the environment without an epoch');
    this.#stateFolder = stateFolder ?? null;
    return { epoch, leaseMs };
  }

  async plan(epoch: number | null, faults: readonly PlannedFault[]): Promise<PlanStep[]> {
    return (await this.#ask({ op: 'plan', epoch, faults: [...faults] })).steps ?? [];
  }

  async inject(epoch: number, fault: PlannedFault): Promise<void> {
    await this.#ask({ op: 'inject', epoch, fault });
  }

  async renew(epoch: number): Promise<void> {
    await this.#ask({ op: 'renew', epoch });
  }

  async revert(epoch: number, fault: string, reason: string): Promise<void> {
    await this.#ask({ op: 'revert', epoch, fault, reason });
  }

  async release(epoch: number): Promise<void> {
    await this.#ask({ op: 'release', epoch });
  }

  async halt(): Promise<KeeperStatus> {
    return statusOf(await this.#ask({ op: 'halt' }));
  }

  async status(timeoutMs = ANSWER_MS): Promise<KeeperStatus> {
    return statusOf(await this.#ask({ op: 'status' }, timeoutMs));
  }

  onEvent(listener: (event: JournalEvent) => void): void {
    this.#listeners.push(listener);
  }

  async lastWords(runId: string, waitMs: number): Promise<JournalEvent[]> {
    return this.#stateFolder === null ? [] : await keeperLastWords(this.#stateFolder, runId, waitMs);
  }

  close(): void {
    this.#socket.destroy();
  }

  [Symbol.dispose](): void {
    this.close();
  }

  async #ask(request: Request, timeoutMs = ANSWER_MS): Promise<Answer> {
    if (this.#socket.destroyed) throw this.#gone();
    const id = this.#nextId++;
    const { promise, resolve, reject } = Promise.withResolvers<Answer>();
    this.#waiters.set(id, { resolve, reject });
    const timer = setTimeout(() => {
      reject(new AppError('TIMEOUT', `the keeper did not answer "${request.op}" within ${String(timeoutMs / 1_000)} s`));
    }, timeoutMs);
    try {
      writeMessage(this.#socket, { id, ...request });
      return await promise;
    } finally {
      clearTimeout(timer);
      this.#waiters.delete(id);
    }
  }

  async #read(): Promise<void> {
    try {
      for await (const message of readMessages(this.#socket, fromKeeper)) this.#take(message);
    } catch (error) {
      this.#why = messageOf(error);
    }
    this.#socket.destroy();
    for (const waiter of this.#waiters.values()) waiter.reject(this.#gone());
  }

  #take(message: FromKeeper): void {
    if ('event' in message) {
      for (const listener of this.#listeners) listener(message.event);
    } else if (message.ok) {
      this.#waiters.get(message.id)?.resolve(message);
    } else {
      const code: ErrorCode = message.code in ERROR_CODES ? (message.code as ErrorCode) : 'PROTOCOL';
      const error = new AppError(code, message.message, message.remedy === undefined ? {} : { remedy: message.remedy });
      // Id 0: the keeper did not understand us at all.
      if (message.id === 0) this.#why = error.message;
      this.#waiters.get(message.id)?.reject(error);
    }
  }

  #gone(): AppError {
    return new AppError('PEER_GONE', this.#why);
  }
}

function statusOf(answer: Answer): KeeperStatus {
  if (!answer.status) throw new AppError('PROTOCOL', 'the keeper answered without its status');
  return answer.status;
}

async function open(path: string): Promise<Socket> {
  const { promise, resolve, reject } = Promise.withResolvers<Socket>();
  const socket = connect(path);
  socket.once('error', reject);
  socket.once('connect', () => {
    socket.off('error', reject);
    resolve(socket);
  });
  return await promise;
}
