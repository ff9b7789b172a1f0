// Notifications into a sink that fails three of ten, from a service that is killed (-9) again and again: none lost, few twice.
//
//   npm run -s safety, or: node test/safety/outbox-storm.ts COUNT [KILL_EVERY_MS] [SEED]
import { type ChildProcessByStdio, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import type { Readable, Writable } from 'node:stream';
import { setTimeout as sleep } from 'node:timers/promises';
import { Webhook } from 'standardwebhooks';
import type { Notification } from '../../src/core/notification.ts';
import { seededRandom } from '../../src/core/random.ts';
import { SECRET } from '../service/alerts/support/an-alert-file.ts';
import { HttpSink } from '../support/an-http-sink.ts';

export type StormResult = {
  /** Notifications that had to come: an opening and an end of each alert. */
  due: number;
  lost: number;
  /** Arrived more often than once, all with the id of the first. */
  twice: number;
  /** One finding and turn under two ids, or one id for two. */
  unstableIds: number;
  /** The end of an alert taken before its opening. */
  overtaken: number;
  badSignatures: number;
  attempts: number;
  kills: number;
  tookMs: number;
};

type Child = ChildProcessByStdio<Writable, Readable, null>;
type Word = { number: number; state: 'open' | 'resolved' };

const FAILURES = 0.3;
const LAST_LIFE_MS = 600_000;
/** So many findings are told to the service before it answered for them. */
const UNANSWERED = 200;

/** Sends `count` notifications: half as many alerts open and end. After `maxKills` the service is left alone to finish. */
export async function outboxStorm(options: { count: number; killEveryMs: number; maxKills: number; seed: number }): Promise<StormResult> {
  const { count, killEveryMs, maxKills, seed } = options;
  const folder = mkdtempSync(join(tmpdir(), 'outbox-storm-'));
  const random = seededRandom(seed);
  await using sink = await HttpSink.open();
  const arrivals = new Arrivals();
  sink.manner = (request) => {
    if (random() < FAILURES) return random() < 0.5 ? 503 : 'reset';
    arrivals.take(request.headers, request.body);
    return 204;
  };
  const startedMs = performance.now();
  const feed = new Feed(count / 2);
  let kills = 0;
  try {
    while (!feed.isDone() || arrivals.size < count) {
      const child = start(join(folder, 'store.sqlite'), sink.url);
      const lines = createInterface({ input: child.stdout })[Symbol.asyncIterator]();
      await lines.next(); // ready: a life is counted from here, not from the start of Node
      const fed = feed.into(child, lines);
      const isLastLife = kills >= maxKills;
      const isAll = await arrivesWithin(isLastLife ? LAST_LIFE_MS : killEveryMs, () => feed.isDone() && arrivals.size >= count);
      child.kill('SIGKILL');
      await once(child, 'exit');
      await fed;
      if (isLastLife) break; // what has not arrived is lost
      if (!isAll) kills += 1;
    }
    const { arrived, ...counts } = arrivals.count();
    return {
      due: count,
      lost: count - arrived,
      ...counts,
      attempts: sink.received.length,
      kills,
      tookMs: Math.round(performance.now() - startedMs),
    };
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

/** What the sink took, by finding and turn. */
class Arrivals {
  readonly #idsOf = new Map<string, string[]>();
  #badSignatures = 0;
  #overtaken = 0;

  get size(): number {
    return this.#idsOf.size;
  }

  take(headers: Record<string, string>, body: string): void {
    try {
      new Webhook(SECRET).verify(body, headers);
    } catch {
      this.#badSignatures += 1;
    }
    const { type, findings } = JSON.parse(body) as Notification;
    const finding = findings[0]?.id ?? '';
    if (type === 'alert.resolved' && !this.#idsOf.has(`${finding} alert.opened`)) this.#overtaken += 1;
    const key = `${finding} ${type}`;
    this.#idsOf.set(key, [...(this.#idsOf.get(key) ?? []), headers['webhook-id'] ?? '']);
  }

  count() {
    const lists = [...this.#idsOf.values()];
    const ids = new Set(lists.flat());
    const arrived = [...this.#idsOf.keys()].filter((key) => /^f\d+ alert\.(opened|resolved)$/.test(key)).length;
    return {
      arrived,
      twice: lists.reduce((sum, { length }) => sum + length - 1, 0),
      unstableIds: lists.filter((list) => new Set(list).size > 1).length + (lists.length - ids.size),
      overtaken: this.#overtaken,
      badSignatures: this.#badSignatures,
    };
  }
}

/** Tells findings to one life of the service after the other, and again what no life answered for. */
class Feed {
  readonly #words: Word[];
  readonly #answered = new Set<number>();
  #next = 0;

  constructor(alerts: number) {
    this.#words = Array.from({ length: alerts }, (_, number) => number).flatMap((number) => [
      { number, state: 'open' as const },
      { number, state: 'resolved' as const },
    ]);
  }

  isDone(): boolean {
    return this.#answered.size === this.#words.length;
  }

  async into(child: Child, lines: AsyncIterator<string>): Promise<void> {
    const unanswered = [...this.#words.keys()].find((index) => !this.#answered.has(index)) ?? this.#words.length;
    this.#next = unanswered;
    child.stdin.on('error', () => undefined); // it was killed
    this.#tell(child);
    for await (const line of { [Symbol.asyncIterator]: () => lines }) {
      const { number, state } = JSON.parse(line) as Word;
      this.#answered.add(2 * number + (state === 'open' ? 0 : 1));
      this.#tell(child);
    }
  }

  #tell(child: Child): void {
    for (; this.#next < this.#words.length && this.#next - this.#answered.size < UNANSWERED; this.#next += 1) {
      child.stdin.write(`${JSON.stringify(this.#words[this.#next])}\n`);
    }
  }
}

function start(store: string, url: string): Child {
  return spawn(process.execPath, ['test/safety/an-outbox.ts', store, url], { stdio: ['pipe', 'pipe', 'inherit'] });
}

async function arrivesWithin(ms: number, isAll: () => boolean): Promise<boolean> {
  const untilMs = performance.now() + ms;
  while (!isAll() && performance.now() < untilMs) await sleep(20);
  return isAll();
}

async function main([count = '', killEveryMs = '5000', seed = '1']: readonly string[]): Promise<void> {
  if (!(Number(count) > 0)) throw new Error('node test/safety/outbox-storm.ts COUNT [KILL_EVERY_MS] [SEED]');
  const result = await outboxStorm({ count: Number(count), killEveryMs: Number(killEveryMs), maxKills: Number(count), seed: Number(seed) });
  const { due, lost, twice, unstableIds, overtaken, badSignatures, attempts, kills, tookMs } = result;
  process.stdout.write(
    `outbox: ${String(due)} notifications, ${String(attempts)} attempts, ${String(kills)} kills in ${String(Math.round(tookMs / 1_000))} s: ` +
      `${String(lost)} lost, ${String(twice)} twice (${((twice / due) * 100).toFixed(2)} %), ${String(unstableIds)} unstable ids, ` +
      `${String(overtaken)} overtaken, ${String(badSignatures)} bad signatures\n`,
  );
  process.exitCode = lost + unstableIds + overtaken + badSignatures > 0 || twice > due / 100 ? 1 : 0;
}

if (import.meta.main) await main(process.argv.slice(2));
