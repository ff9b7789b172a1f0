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
import { machineBootId, monoMs } from '../io/clock.ts';
import { readMessages, writeMessage } from '../io/ndjson.ts';
import type { KeeperLink } from './fault-driver.ts';
import { type ClockReading, compareClocks, type KeeperClock } from './keeper-clock.ts';
import { isJournalOf, isOf, keeperLastWords, unfinished, wordsFromAfar } from './keeper-last-words.ts';

type Answer = Extract<FromKeeper, { ok: true }>;
type Request = ToKeeper extends infer Each ? (Each extends ToKeeper ? Omit<Each, 'id'> : never) : never;
type Waiter = { resolve: (answer: Answer) => void; reject: (reason: Error) => void };

/** Longer than the keeper ever takes: an injection (30 s) and its revert (10 s). */
const ANSWER_MS = 60_000;
const RETRY_MS = 50;
/** A question to a keeper that was lost before. */
const WORDS_MS = 5_000;

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
      return new KeeperClient(await open(path), path);
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
  /** Faults that the keeper was asked to inject and has not answered, by name. */
  readonly #asked = new Map<string, { epoch: number; fault: PlannedFault }>();
  readonly #path: string;
  /** Of the run that took the environment by this connection. `journalFolder`: null when the keeper's journal lies on another machine. */
  #run: { journalFolder: string | null; t0MonoMs: number; clock: KeeperClock; heard: JournalEvent[] } | null = null;
  #end = new AppError('PEER_GONE', 'the connection to the keeper ended');

  /** @param path where `socket` leads, for a run that loses it */
  constructor(socket: Socket, path: string) {
    this.#socket = socket;
    this.#path = path;
    socket.on('error', (error) => {
      this.#end = new AppError('PEER_GONE', `the connection to the keeper broke: ${error.message}`);
    });
    this.closed = this.#read();
  }

  /** Takes the environment. What a keeper on another machine tells of faults is carried to this machine's clock. */
  async acquire(runId: string, t0MonoMs: number): Promise<{ epoch: number; leaseMs: number }> {
    const clock = await compareClocks(() => this.#reading(), { boot: machineBootId(), now: monoMs });
    const { epoch, leaseMs, stateFolder } = await this.#ask({ op: 'acquire', runId, t0MonoMs: t0MonoMs + clock.offsetMs });
    if (epoch === undefined || leaseMs === undefined) throw new AppError('PROTOCOL', 'the keeper granted the environment without an epoch');
    // Asked now, when it must be there: a lab that is taken away takes its journal along, and that is no other machine.
    const isHere = stateFolder !== undefined && isJournalOf(stateFolder, runId);
    this.#run = { journalFolder: isHere ? stateFolder : null, t0MonoMs, clock, heard: [] };
    return { epoch, leaseMs };
  }

  async plan(epoch: number | null, faults: readonly PlannedFault[]): Promise<PlanStep[]> {
    return (await this.#ask({ op: 'plan', epoch, faults: [...faults] })).steps ?? [];
  }

  async inject(epoch: number, fault: PlannedFault): Promise<void> {
    this.#asked.set(fault.fault, { epoch, fault });
    try {
      await this.#ask({ op: 'inject', epoch, fault });
    } catch (error) {
      // Not answered: it may have been heard all the same.
      if (this.#socket.destroyed || (error instanceof AppError && error.code === 'TIMEOUT')) throw error;
      this.#asked.delete(fault.fault);
      throw error;
    }
    this.#asked.delete(fault.fault);
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
    if (this.#run === null) return [];
    const { journalFolder, heard } = this.#run;
    if (journalFolder !== null) return await keeperLastWords(journalFolder, runId, waitMs);
    const { words, isAnswered } = await wordsFromAfar(() => this.#askAgain(runId), [...this.#asked.keys()], waitMs);
    const told = words.map((event) => this.#inOurClock(event));
    return [...told, ...this.#unknown([...heard, ...told], isAnswered)];
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

  async #reading(): Promise<ClockReading> {
    const { clock } = await this.#ask({ op: 'clock' });
    if (!clock) throw new AppError('PROTOCOL', 'the keeper answered without a reading of its clock');
    return clock;
  }

  async #askAgain(runId: string): Promise<JournalEvent[]> {
    using client = await connectKeeper(this.#path, { timeoutMs: 0, signal: AbortSignal.timeout(WORDS_MS) });
    return (await client.#ask({ op: 'words', runId }, WORDS_MS)).events ?? [];
  }

  #inOurClock(event: JournalEvent): JournalEvent {
    if (this.#run === null) return event;
    const clockErrMs = Math.ceil(this.#run.clock.errMs(monoMs()) * 1_000) / 1_000;
    return clockErrMs === 0 ? event : { ...event, clockErrMs };
  }

  /** Whatever nobody could tell to the end may still be in force, and a person has to look. */
  #unknown(events: readonly JournalEvent[], isAnswered: boolean): JournalEvent[] {
    const t = Math.round((monoMs() - (this.#run?.t0MonoMs ?? 0)) * 1_000) / 1_000;
    const reason =
      'the keeper is on another machine and could not be asked again; it reverts by itself when the lease is over, which nobody here has seen: ' +
      'look there with `holdfast keeper status`';
    // A keeper that answers and has no word of a fault never began it, and does not any more: the lease is over by now.
    const unheard = [...this.#asked.values()].filter(({ fault }) => !isAnswered && !events.some((event) => isOf(event, fault.fault)));
    return [
      ...unfinished(events).filter(({ type }) => type !== 'fault.unverified'),
      ...unheard.map(({ epoch, fault: { fault, kind, target } }) => ({ fault, kind, target, epoch })),
    ].map(({ fault, kind, target, epoch }) => ({
      t,
      from: 'runner',
      seq: 0,
      type: 'fault.unverified',
      fault,
      kind,
      target,
      epoch,
      reason,
    }));
  }

  async #read(): Promise<void> {
    try {
      for await (const message of readMessages(this.#socket, fromKeeper)) this.#take(message);
    } catch (error) {
      this.#end = new AppError('PEER_GONE', messageOf(error));
    }
    this.#socket.destroy();
    for (const waiter of this.#waiters.values()) waiter.reject(this.#gone());
  }

  #take(message: FromKeeper): void {
    if ('event' in message) {
      const event = this.#inOurClock(message.event);
      this.#run?.heard.push(event);
      for (const listener of this.#listeners) listener(event);
    } else if (message.ok) {
      this.#waiters.get(message.id)?.resolve(message);
    } else {
      const code: ErrorCode = message.code in ERROR_CODES ? (message.code as ErrorCode) : 'PROTOCOL';
      const error = new AppError(code, message.message, message.remedy === undefined ? {} : { remedy: message.remedy });
      // Id 0: the keeper did not understand us at all, or is not there: it is the last that comes.
      if (message.id === 0) this.#end = error;
      this.#waiters.get(message.id)?.reject(error);
    }
  }

  #gone(): AppError {
    return this.#end;
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
