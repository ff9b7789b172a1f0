// `holdfast prober` as a runner sees it, for tests: a real process, its messages kept.
import type { ChildProcess } from 'node:child_process';
import { type Assignment, CONTROL_SCHEMA, fromProber, type FromProber, type Population, type ToProber } from '../../src/core/control.ts';
import type { Place } from '../../src/core/environment.ts';
import type { EventOf, EventType, Tally } from '../../src/core/journal.ts';
import { monoMs } from '../../src/io/clock.ts';
import { spawnIn } from '../../src/io/command.ts';
import { readMessages, writeMessage } from '../../src/io/ndjson.ts';
import { KEY_BASE64 } from './a-responder.ts';
import { eventually } from './eventually.ts';

/** Ten exchanges a second over TCP through the VIP `web`, stalled after 300 ms, no fresh dials unless asked for. */
export function aPopulation(port: number, population: Partial<Population> = {}): Population {
  return {
    probe: 'hold',
    protocol: 'tcp',
    intervalMs: 100,
    timeoutMs: 100,
    stallAfterMs: 300,
    payloadBytes: 64,
    freshDialsPerSec: 0,
    vip: { name: 'web', address: '127.0.0.1', port, policy: 'local' },
    count: 10,
    ...population,
  };
}

/** For a population: so that a busy machine, which holds up the responder too, makes nothing late. */
export const PATIENT = { timeoutMs: 2_000, stallAfterMs: 2_000 };

/** What `scheduled` must be equal to. */
export function sumOf(tally: Tally): number {
  return tally.ok + tally.late + tally.lost + tally.notSent + tally.invalid;
}

export class ProberProcess implements AsyncDisposable {
  readonly said: FromProber[] = [];
  readonly t0MonoMs = monoMs();
  readonly #child: ChildProcess;
  readonly #ended: Promise<unknown>;

  constructor(place?: Place) {
    this.#child = spawnIn(place, [process.execPath, 'src/cli/main.ts', 'prober'], { stdio: ['pipe', 'pipe', 'inherit'] });
    this.#ended = Promise.all([new Promise((resolve) => this.#child.once('close', resolve)), this.#read()]);
  }

  /** Gives it its work and waits for what it says to that. */
  async assign(populations: Population[], assignment: Partial<Assignment> = {}): Promise<FromProber> {
    this.say({
      type: 'assign',
      schema: CONTROL_SCHEMA,
      runId: 'r1',
      vantage: 'v1',
      t0MonoMs: this.t0MonoMs,
      clockErrMs: 0,
      sourceAddresses: ['127.0.0.1'],
      key: KEY_BASE64,
      runTag: '0123456789abcdef',
      nodes: [{ name: 'n1', addresses: ['192.0.2.1'], podCidrs: [] }],
      populations,
      observed: true,
      ...assignment,
    });
    return await eventually(() => {
      const answer = this.said.find(({ type }) => type === 'assigned' || type === 'refused');
      if (!answer) throw new Error('neither assigned nor refused');
      return answer;
    });
  }

  /** Assigns, starts, and waits until all flows are open. */
  async hold(populations: Population[], assignment: Partial<Assignment> = {}): Promise<void> {
    await this.assign(populations, assignment);
    this.say({ type: 'start' });
    await this.until('vantage.ready');
  }

  say(message: ToProber): void {
    if (this.#child.stdin) writeMessage(this.#child.stdin, message);
  }

  /** All events of a type so far. */
  events<Type extends EventType>(type: Type): EventOf<Type>[] {
    return this.said.flatMap((message) =>
      message.type === 'event' && message.event.type === type ? [message.event as EventOf<Type>] : [],
    );
  }

  /** Waits until there are as many events of a type. */
  async until(type: EventType, count = 1, timeoutMs?: number): Promise<void> {
    await eventually(() => {
      const seen = this.events(type).length;
      if (seen < count) throw new Error(`${String(seen)} of ${String(count)} events ${type}`);
    }, timeoutMs);
  }

  /** Waits until exchanges were answered for about so long (of the held flows, by the pulses). */
  async untilAnswered(count: number): Promise<void> {
    const before = this.said.length;
    await eventually(() => {
      const pulses = this.said
        .slice(before)
        .flatMap((message) => (message.type === 'pulse' ? [message.tally.ok + message.tally.invalid] : []));
      const answered = pulses.reduce((sum, ok) => sum + ok, 0);
      if (answered < count) throw new Error(`${String(answered)} of ${String(count)} exchanges answered`);
    });
  }

  /** Stops it in order and returns all tallies of the held flows summed up. */
  async stop(): Promise<Tally> {
    this.say({ type: 'stop' });
    await this.#ended;
    return this.total(false);
  }

  total(fresh: boolean): Tally {
    const sum: Tally = { scheduled: 0, ok: 0, late: 0, lost: 0, notSent: 0, invalid: 0 };
    for (const line of this.events('tally')) {
      if ((line.fresh ?? false) !== fresh) continue;
      for (const key of Object.keys(sum) as (keyof Tally)[]) sum[key] += line[key];
    }
    return sum;
  }

  signal(name: 'SIGSTOP' | 'SIGCONT' | 'SIGINT' | 'SIGTERM'): void {
    this.#child.kill(name);
  }

  /** Closes the control channel. @returns the exit code */
  async leaveAlone(): Promise<number | null> {
    this.#child.stdin?.end();
    await this.#ended;
    return this.#child.exitCode;
  }

  get exitCode(): number | null {
    return this.#child.exitCode;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#child.kill('SIGKILL');
    await this.#ended;
  }

  async #read(): Promise<void> {
    if (this.#child.stdout) for await (const message of readMessages(this.#child.stdout, fromProber)) this.said.push(message);
  }
}
