// serve.yaml: what a service watches, runs, listens to and tells, and where. References such as ${env:X} are allowed where a secret stands.
import { z } from 'zod';
import { prefix } from './addresses.ts';
import { name } from './names.ts';
import { secret } from './references.ts';
import { duration } from './units.ts';
import { FINDING_KINDS, SEVERITIES } from './finding.ts';
import { VERDICTS } from './report-format.ts';

const DAY_MS = 24 * 3_600_000;
const httpUrl = z.url({ protocol: /^https?$/, error: 'expected an http or https URL' });
const instant = z.iso.datetime({ offset: true, error: 'expected an instant such as 2026-11-22T20:00:00Z' });
const flows = z
  .array(
    z.strictObject({
      probe: name.meta({ description: 'A probe: the name of its file without .yaml.' }),
      vip: name.meta({ description: 'A VIP of the environment, by name.' }),
      vantages: z.union([z.literal('all'), z.array(name).min(1)], { error: 'expected all, or a list of vantage names' }).default('all'),
      count: z.int().min(1).max(60_000).meta({ description: 'Flows held by each vantage.' }),
    }),
  )
  .min(1);

/** What a monitor holds all day. Monitors never inject a fault. */
export const monitorSpec = z.strictObject({
  name,
  environment: name.meta({ description: 'An environment of this service, by name.' }),
  flows,
});
export type MonitorSpec = z.output<typeof monitorSpec>;

/** A keeper on another machine. What it may do there is its own file's word. */
const keeperSpec = z.strictObject({
  name: name.meta({ description: 'As the keeper’s own file calls it under join.' }),
  environments: z.array(name).min(1).meta({ description: 'The environments of this service whose faults it owns.' }),
});

/** A scenario that runs by the clock. Exactly one of `cron` and `every`. */
export const scheduleSpec = z
  .strictObject({
    name,
    scenario: name,
    environment: name,
    cron: z.string().optional().meta({ description: 'Five or six fields, as cron(5) has them; six begin with seconds.' }),
    every: duration({ minMs: 10_000, maxMs: 7 * DAY_MS }).optional(),
    timeZone: z.string().default('UTC').meta({ description: 'An IANA time zone, for cron.' }),
    jitter: duration({ maxMs: 3_600_000 })
      .default(0)
      .meta({ description: 'Each tick starts this much later at most; how much is fixed by the tick.', default: '0s' }),
    overlap: z
      .enum(['wait', 'refuse'])
      .default('wait')
      .meta({ description: 'When the environment is taken by another run: wait for it, or refuse this tick.' }),
    paused: z.boolean().default(false),
  })
  .refine((schedule) => (schedule.cron === undefined) !== (schedule.every === undefined), {
    message: 'expected either cron or every',
    path: ['cron'],
  });
export type ScheduleSpec = z.output<typeof scheduleSpec>;

/** A time in which alerts are annotated (`maintenance`) or no run with faults starts (`freeze`). */
export const periodSpec = z
  .strictObject({
    name,
    kind: z.enum(['maintenance', 'freeze']),
    from: instant,
    until: instant,
    environments: z.union([z.literal('all'), z.array(name).min(1)]).default('all'),
    /** The planned blast radius: what lies outside is alerted on as ever. Empty: the whole environment. */
    nodes: z.array(name).default([]),
    note: z.string().default(''),
  })
  .refine((period) => Date.parse(period.from) < Date.parse(period.until), { message: 'expected an end after the start', path: ['until'] });
export type PeriodSpec = z.output<typeof periodSpec>;

/** Who may start what by calling `/hooks/<name>`. */
export const hookSpec = z.discriminatedUnion('kind', [
  z.strictObject({
    name,
    kind: z.literal('generic'),
    secret: secret.meta({ description: 'Standard Webhooks secret (whsec_…), by reference.' }),
    scenarios: z.array(name).min(1).meta({ description: 'The scenarios that a caller may name; without a name, the first.' }),
    environment: name,
    allowFaults: z.boolean().default(false),
    coolDown: duration({ maxMs: DAY_MS }).default(60_000).meta({ description: 'Between two starts (default 1m).', default: '1m' }),
  }),
  z.strictObject({
    name,
    kind: z.literal('alertmanager'),
    token: secret.meta({ description: 'Bearer token that Alertmanager sends, by reference.' }),
    scenarios: z.array(name).default([]).meta({ description: 'Empty: alerts only annotate what is running.' }),
    environment: name,
    allowFaults: z.boolean().default(false),
    coolDown: duration({ maxMs: DAY_MS }).default(300_000).meta({ description: 'Between two starts (default 5m).', default: '5m' }),
  }),
]);
export type HookSpec = z.output<typeof hookSpec>;

const perMinute = z
  .int()
  .min(2)
  .max(600)
  .default(5)
  .meta({ description: 'Notifications a minute at most, over all rules; what is more is folded into one that names the rest.' });

/** Where notifications go. The seam's members (service/notifiers) each take one `kind`. */
export const destinationSpec = z.discriminatedUnion('kind', [
  z.strictObject({
    name,
    kind: z.literal('webhook'),
    url: httpUrl,
    secrets: z.array(secret).min(1).max(2).meta({ description: 'Standard Webhooks secrets; two while one is being replaced.' }),
    allow: z.array(prefix).default([]).meta({ description: 'Private or special address blocks that this one may lie in.' }),
    perMinute,
  }),
  z.strictObject({
    name,
    kind: z.literal('alertmanager'),
    url: httpUrl.meta({ description: 'Base URL of Alertmanager; /api/v2/alerts is added.' }),
    token: secret.optional().meta({ description: 'Bearer token, by reference.' }),
    allow: z.array(prefix).default([]),
    perMinute,
  }),
]);
export type DestinationSpec = z.output<typeof destinationSpec>;

/** Which findings and verdicts are told to whom. */
export const ruleSpec = z.strictObject({
  name,
  findings: z.union([z.literal('all'), z.array(z.enum(FINDING_KINDS))]).default('all'),
  minSeverity: z.enum(SEVERITIES).default('warn'),
  verdicts: z.array(z.enum(VERDICTS)).default(['deviated', 'errored']),
  environments: z.union([z.literal('all'), z.array(name).min(1)]).default('all'),
  vantagesAgree: z.int().min(1).max(64).default(1).meta({ description: 'Vantages that must see it before it is told.' }),
  group: z.enum(['environment', 'vip', 'finding']).default('vip').meta({ description: 'Findings that are told together, in one alert.' }),
  wait: duration({ maxMs: 600_000 })
    .default(1_000)
    .meta({ description: 'How long a new alert waits for others of its group (default 1s).', default: '1s' }),
  destinations: z.array(name).min(1),
});
export type RuleSpec = z.output<typeof ruleSpec>;

/** The schema of a serve.yaml. */
export const serviceFile = z.strictObject({
  title: z.string().min(1).default('Holdfast'),
  listen: z
    .strictObject({
      host: z.string().default('127.0.0.1'),
      port: z.int().min(0).max(65_535).default(7600),
      names: z.array(name).default([]).meta({
        description:
          'DNS names by which it is reached; requests for any other name are refused, since a page elsewhere could be behind them.',
      }),
      trustedProxies: z.array(prefix).default([]).meta({
        description:
          'Address blocks of the proxies in front of it, such as 10.0.0.5/32: X-Forwarded-For and X-Forwarded-Proto are believed of them alone.',
      }),
    })
    .prefault({})
    .meta({ description: 'API, page and metrics. A Unix socket in the state folder is always there too.' }),
  publicUrl: httpUrl.optional().meta({ description: 'Where people reach the page; notifications link there.' }),
  tls: z.strictObject({ cert: z.string(), key: z.string() }).optional().meta({ description: 'Paths of PEM files.' }),
  redis: secret.optional().meta({ description: 'redis:// or rediss:// URL, by reference; without one a private child is started.' }),
  environments: z.array(z.string()).min(1).meta({
    description:
      'Environment files, as seen from this file. At most one is a lab: it is built when it is not up, and taken down again at the end.',
  }),
  localVantages: z.array(name).default([]).meta({
    description:
      'Vantages of your own networks that this machine is: the service starts their agents itself, as it does for a lab. Others enrol.',
  }),
  scenarios: z.string().default('scenarios').meta({ description: 'Folder of scenarios, as seen from this file.' }),
  probes: z.string().default('probes').meta({ description: 'Folder of probes, as seen from this file.' }),
  keepers: z
    .array(keeperSpec)
    .default([])
    .meta({
      description:
        'Keepers on other machines, which join the service by holdfast keeper-link; no others may. They are reached through the service: ' +
        'when it ends in mid-fault, the run is told as errored and the keeper reverts.',
    }),
  monitors: z.array(monitorSpec).default([]),
  schedules: z.array(scheduleSpec).default([]),
  periods: z.array(periodSpec).default([]),
  hooks: z.array(hookSpec).default([]),
  destinations: z.array(destinationSpec).default([]),
  rules: z.array(ruleSpec).default([]),
  retention: z
    .strictObject({
      segments: duration({ minMs: 3_600_000, maxMs: 366 * DAY_MS })
        .default(7 * DAY_MS)
        .meta({ description: 'Of monitors (default 168h).', default: '168h' }),
      maxBytes: z
        .int()
        .min(16 * 2 ** 20)
        .default(2 * 2 ** 30)
        .meta({ description: 'Of all segments together; the oldest go first (default 2 GiB).' }),
      history: duration({ minMs: DAY_MS, maxMs: 3_660 * DAY_MS })
        .default(90 * DAY_MS)
        .meta({ description: 'Of all else (default 2160h).', default: '2160h' }),
    })
    .prefault({})
    .meta({ description: 'How long journal segments of monitors, and runs, findings and deliveries, are kept.' }),
});
export type ServiceFile = z.output<typeof serviceFile>;
