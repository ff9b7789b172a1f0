// What the API is given: the store, the file, the other parts, and where things lie.
import type { FastifyBaseLogger, FastifyInstance, RawReplyDefaultExpression, RawRequestDefaultExpression, RawServerDefault } from 'fastify';
import type { ZodTypeProvider } from 'fastify-type-provider-zod';
import type { ServiceFile } from '../../core/service-file.ts';
import type { JoinedKeepers } from '../keepers/joined-keepers.ts';
import type { Alerts, Catalogue, Monitors, QueueHealth, Runs, Schedules, ServiceClock } from '../parts.ts';
import type { Store } from '../store/open-store.ts';
import type { Announcements } from './announcements.ts';
import type { Limits } from './limits.ts';

export type ApiParts = {
  store: Store;
  /** Secrets are resolved. */
  file: ServiceFile;
  catalogue: Catalogue;
  parts: { runs: Runs; schedules: Schedules; monitors: Monitors; alerts: Alerts; queues: QueueHealth; joined: JoinedKeepers };
  announcements: Announcements;
  clock: ServiceClock;
  log: (line: string) => void;
  /** Where the built page lies; it may not be built. */
  uiFolder: string;
  metrics: { contentType: string; text(): Promise<string> };
  version: string;
  /** Boot id of this machine: agents with the same one read the same monotonic clock. */
  machineBoot: string;
  limits: Limits;
};

/** Fastify with zod's types. */
export type App = FastifyInstance<
  RawServerDefault,
  RawRequestDefaultExpression,
  RawReplyDefaultExpression,
  FastifyBaseLogger,
  ZodTypeProvider
>;
