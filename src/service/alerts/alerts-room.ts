// The alerts at work: takes what comes, decides, and writes decision and notifications in one transaction, one step after the other.
import { randomUUID } from 'node:crypto';
import { AppError, messageOf } from '../../core/errors.ts';
import type { Finding } from '../../core/finding.ts';
import type { Notification, RunEnded } from '../../core/notification.ts';
import type { PeriodSpec, ServiceFile } from '../../core/service-file.ts';
import type { Announce, Catalogue, ServiceClock } from '../parts.ts';
import type { Store } from '../store/open-store.ts';
import { severityRank } from './alert.ts';
import { readPast, writeAlert } from './alert-rows.ts';
import { type Book, type Moment, nextTickMs, takeFinding, tick, type Turn } from './decide.ts';
import { nodesOf, wantsRun } from './matching.ts';
import { alertNotification, runNotification, testNotification, turnNotification } from './notifications.ts';
import type { Outbox, Wish } from './outbox.ts';
import { readPeriods } from './period-rows.ts';
import { maintenanceAt } from './periods.ts';
import { forgetOld } from './retention.ts';

const POLL_MS = 100;
/** Periods begin and end unasked. */
const PERIODS_EVERY_MS = 2_000;
const FORGET_EVERY_MS = 3_600_000;
/** Taken together: a storm is a few transactions, not one a finding. */
const INPUTS_A_STEP = 500;

type News = { finding: Finding } | { run: RunEnded } | { sample: Wish };
type Input = { news: News; resolve: () => void; reject: (reason: unknown) => void };

export type RoomTools = {
  store: Store;
  file: Pick<ServiceFile, 'destinations' | 'rules' | 'retention'>;
  catalogue: Pick<Catalogue, 'environments'> | undefined;
  clock: ServiceClock;
  steadyMs: () => number;
  announce: Announce;
  log: (line: string) => void;
  outbox: Outbox;
};

export class AlertsRoom {
  readonly #tools: RoomTools;
  #periods: readonly PeriodSpec[];
  #book: Book;
  #inbox: Input[] = [];
  #working: Promise<void> | null = null;
  #poll: NodeJS.Timeout | null = null;
  #periodsAtMs = 0;
  #forgetAtMs = 0;
  #lastTrouble = '';

  constructor(tools: RoomTools, found: { periods: readonly PeriodSpec[]; book: Book }) {
    this.#tools = tools;
    this.#periods = found.periods;
    this.#book = found.book;
  }

  start(): void {
    this.#poll = setInterval(() => {
      this.#kick();
    }, POLL_MS);
    this.#kick();
  }

  /** Resolves once it is decided and written; rejects when that could not be, and then nothing was taken. */
  async take(news: News): Promise<void> {
    if (this.#poll === null) throw new Error('the service ends');
    const { promise, resolve, reject } = Promise.withResolvers<undefined>();
    const done = () => {
      resolve(undefined);
    };
    this.#inbox.push({ news, resolve: done, reject });
    this.#kick();
    await promise;
  }

  async test(destination: string): Promise<string> {
    if (!this.#tools.file.destinations.some(({ name }) => name === destination)) {
      throw new AppError('UNKNOWN_NAME', `there is no destination ${destination}`, { remedy: 'name one of the service’s file' });
    }
    const notification = testNotification(destination, randomUUID(), this.#tools.clock.nowMs());
    await this.take({ sample: { notification, destination, isUrgent: true } });
    return `${notification.id}:${destination}`;
  }

  async changePeriods(change: () => Promise<void>, name: string): Promise<void> {
    await change();
    this.#periods = await readPeriods(this.#tools.store);
    this.#periodsAtMs = 0;
    this.#tools.announce('period', name);
  }

  /** Alerts of `destination` that were told, as they are now. */
  current(destination: string): Notification[] {
    const nowMs = this.#tools.clock.nowMs();
    const rules = new Set(this.#tools.file.rules.filter(({ destinations }) => destinations.includes(destination)).map(({ name }) => name));
    return [...this.#book.values()].flatMap((alert) => {
      if (!rules.has(alert.rule) || alert.state === 'waiting') return [];
      const isOver = alert.state === 'resolved';
      return [alertNotification(alert, isOver ? 'alert.resolved' : 'alert.changed', isOver ? (alert.resolvedMs ?? nowMs) : nowMs)];
    });
  }

  /** Ends the step under way; what came too late was not taken. */
  async close(): Promise<void> {
    if (this.#poll) clearInterval(this.#poll);
    this.#poll = null;
    await this.#working;
    for (const { reject } of this.#inbox.splice(0)) reject(new Error('the service ends'));
  }

  #kick(): void {
    if (this.#working || this.#poll === null) return;
    this.#working = this.#work().finally(() => {
      this.#working = null;
      if (this.#inbox.length > 0) this.#kick();
    });
  }

  async #work(): Promise<void> {
    const inputs = this.#inbox.splice(0, INPUTS_A_STEP);
    try {
      if (inputs.length > 0 || this.#isTickDue()) await this.#step(inputs.map(({ news }) => news));
      for (const { resolve } of inputs) resolve();
      await this.#tools.outbox.step();
      await this.#forgetOld();
      this.#lastTrouble = '';
    } catch (error) {
      // The store did not take it: the alerts stand where they stood, and the next step starts from there.
      for (const { reject } of inputs) reject(error);
      const trouble = messageOf(error);
      if (trouble !== this.#lastTrouble) this.#tools.log(`alerts: ${trouble}`);
      this.#lastTrouble = trouble;
    }
  }

  #isTickDue(): boolean {
    const nowMs = this.#tools.steadyMs();
    const dueMs = nextTickMs(this.#book);
    return (dueMs !== null && dueMs <= nowMs) || nowMs >= this.#periodsAtMs;
  }

  async #step(news: readonly News[]): Promise<void> {
    const { store, file, outbox, announce } = this.#tools;
    const now: Moment = { steadyMs: this.#tools.steadyMs(), wallMs: this.#tools.clock.nowMs() };
    this.#periodsAtMs = now.steadyMs + PERIODS_EVERY_MS;
    const about = { rules: file.rules, periods: this.#periods, now };
    const before = this.#book;
    let book = before;
    for (const each of news) {
      if ('finding' in each) book = takeFinding(book, await this.#asTaken(each.finding), about);
    }
    const ticked = tick(book, about);
    const wishes = [...this.#wishesOf(ticked.turns), ...news.flatMap((each) => this.#wishesOfNews(each, now.wallMs))];
    const known = new Map([...before.values()].map((alert) => [alert.id, alert]));
    const changed = [...ticked.book.values()].filter((alert) => known.get(alert.id) !== alert);
    if (changed.length > 0 || wishes.length > 0) {
      const commit = await store.transaction().execute(async (transaction) => {
        for (const alert of changed) await writeAlert(transaction, alert, known.get(alert.id));
        return outbox.put(transaction, wishes);
      });
      commit();
    }
    this.#book = ticked.book;
    for (const { id } of changed) announce('alert', id);
  }

  async #asTaken(finding: Finding) {
    const past = await readPast(this.#tools.store, finding.id);
    return { finding, past, nodes: nodesOf(finding, (environment, text) => this.#nodeOf(environment, text)) };
  }

  #nodeOf(environment: string, text: string): string | null {
    const nodes = this.#tools.catalogue?.environments.get(environment)?.environment.nodes ?? [];
    return nodes.find(({ name, addresses }) => name === text || addresses.includes(text))?.name ?? null;
  }

  /** The severest first: they are told by themselves where storm control has no room for all. */
  #wishesOf(turns: readonly Turn[]): Wish[] {
    const notifications = turns.map(turnNotification);
    return notifications
      .sort((a, b) => severityRank(b.severity) - severityRank(a.severity))
      .flatMap((notification) => this.#forRule(notification));
  }

  #wishesOfNews(news: News, atMs: number): Wish[] {
    if ('sample' in news) return [news.sample];
    if (!('run' in news)) return [];
    const { run } = news;
    const maintenance = maintenanceAt(this.#periods, run.environment, atMs);
    return this.#tools.file.rules
      .filter((rule) => wantsRun(rule, run))
      .flatMap((rule) => this.#forRule(runNotification(rule, run, { atMs, maintenance })));
  }

  #forRule(notification: Notification): Wish[] {
    const rule = this.#tools.file.rules.find(({ name }) => name === notification.rule);
    return (rule?.destinations ?? []).map((destination) => ({ notification, destination }));
  }

  async #forgetOld(): Promise<void> {
    const nowMs = this.#tools.steadyMs();
    if (nowMs < this.#forgetAtMs) return;
    this.#forgetAtMs = nowMs + FORGET_EVERY_MS;
    await forgetOld(this.#tools.store, nowMs - this.#tools.file.retention.history);
  }
}
