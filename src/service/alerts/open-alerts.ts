// Alerts of a service: findings and verdicts in, notifications out. What was decided and what is to be told are one transaction.
import { AppError } from '../../core/errors.ts';
import type { ServiceFile } from '../../core/service-file.ts';
import type { Resolve } from '../notifiers/guarded-connector.ts';
import { openPost, type PostLimits } from '../notifiers/guarded-post.ts';
import { openDestination } from '../notifiers/index.ts';
import type { Alerts, Announce, Catalogue, ServiceClock } from '../parts.ts';
import type { Store } from '../store/open-store.ts';
import { endAlertsOfOtherRules, readLiveAlerts } from './alert-rows.ts';
import { AlertsRoom } from './alerts-room.ts';
import { BACKOFF, type Backoff } from './backoff.ts';
import { bookOf } from './decide.ts';
import { Outbox } from './outbox.ts';
import { deletePeriod, readPeriods, syncPeriods, writePeriod } from './period-rows.ts';
import { steadyClock } from './steady-clock.ts';

type Options = {
  store: Store;
  file: Pick<ServiceFile, 'destinations' | 'rules' | 'periods' | 'publicUrl' | 'retention'>;
  clock: ServiceClock;
  announce: Announce;
  log: (line: string) => void;
  /** Whose nodes a finding's subject may be; without it, maintenance of single nodes goes by the nodes that findings name. */
  catalogue?: Pick<Catalogue, 'environments'>;
  random?: () => number;
  /** DNS, unless a test answers. */
  resolve?: Resolve;
  backoff?: Backoff;
  limits?: PostLimits;
};

const CLOSE_MS = 3_000;

export type OpenAlerts = Alerts & AsyncDisposable;

/**
 * Opens the alerts, goes on with what an earlier life of the service left, and delivers until disposed.
 * @throws AppError UNKNOWN_NAME for a rule whose destination is not there, BAD_INPUT for a secret that cannot be used
 */
export async function openAlerts(options: Options): Promise<OpenAlerts> {
  const { store, file, clock, announce, log, random = Math.random, backoff = BACKOFF } = options;
  refuseUnknownDestinations(file);
  const steadyMs = steadyClock(clock);
  const stop = new AbortController();
  await using opened = new AsyncDisposableStack();
  const destinations = file.destinations.map((spec) => {
    const nowMs = () => clock.nowMs();
    const { post } = opened.use(
      openPost(spec.allow, { resolve: options.resolve, nowMs, ...(options.limits && { limits: options.limits }) }),
    );
    return { spec, destination: openDestination(spec, { post, nowMs, publicUrl: file.publicUrl?.replace(/\/+$/, '') ?? null }) };
  });
  await syncPeriods(store, file.periods);
  await endAlertsOfOtherRules(
    store,
    file.rules.map(({ name }) => name),
    steadyMs(),
  );
  // The outbox asks for the alerts as they are, and the alerts put into the outbox: one of the two comes first.
  let room: AlertsRoom | null = null;
  const outbox = await Outbox.open(destinations, {
    ...{ store, steadyMs, random, backoff, announce, log, signal: stop.signal },
    current: (destination) => room?.current(destination) ?? [],
  });
  const found = { periods: await readPeriods(store), book: bookOf(await readLiveAlerts(store, steadyMs())) };
  const alerts = new AlertsRoom({ store, file, catalogue: options.catalogue, clock, steadyMs, announce, log, outbox }, found);
  room = alerts;
  alerts.start();
  const posts = opened.move();
  return {
    onFinding: (finding) => alerts.take({ finding }),
    onRunEnded: (run) => alerts.take({ run }),
    test: (destination) => alerts.test(destination),
    resend: (id) => outbox.resend(id),
    putPeriod: (spec, origin) => alerts.changePeriods(() => writePeriod(store, spec, origin), spec.name),
    removePeriod: (name) => alerts.changePeriods(() => deletePeriod(store, name), name),
    [Symbol.asyncDispose]: async () => {
      await alerts.close();
      const cut = setTimeout(() => {
        stop.abort();
      }, CLOSE_MS);
      await outbox.close();
      clearTimeout(cut);
      stop.abort();
      await posts.disposeAsync();
    },
  };
}

function refuseUnknownDestinations({ rules, destinations }: Options['file']): void {
  const names = destinations.map(({ name }) => name);
  for (const rule of rules) {
    const unknown = rule.destinations.find((name) => !names.includes(name));
    if (unknown === undefined) continue;
    throw new AppError('UNKNOWN_NAME', `the rule ${rule.name} names the destination "${unknown}", which does not exist`, {
      remedy: names.length === 0 ? 'add it under destinations' : `name one of ${names.join(', ')}`,
    });
  }
}
