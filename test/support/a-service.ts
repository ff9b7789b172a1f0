// Queues, runs and schedules of a service in a process of their own, to be killed: node test/support/a-service.ts FOLDER REDIS-SOCKET.
// The folder holds `plan.json` (schedules, and how a run is played) and `clock-offset`, a number of ms by which its wall clock is wrong.
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { monoMs } from '../../src/io/clock.ts';
import type { ScheduleSpec } from '../../src/core/service-file.ts';
import type { Catalogue } from '../../src/service/parts.ts';
import { openQueues } from '../../src/service/queue/open-queues.ts';
import { openRuns } from '../../src/service/runs/open-runs.ts';
import { openStore } from '../../src/service/store/open-store.ts';

const [folder = '', socket = ''] = process.argv.slice(2);
const { schedules, environments } = JSON.parse(readFileSync(join(folder, 'plan.json'), 'utf8')) as {
  schedules: ScheduleSpec[];
  environments: string[];
};
const clock = { nowMs: () => Date.now() + Number(readFileSync(join(folder, 'clock-offset'), 'utf8')), monoMs };
const log = (line: string) => process.stderr.write(`${String(process.pid)} ${line}\n`);
const store = await openStore(join(folder, 'store.sqlite'));
const queues = await openQueues({ redis: { path: socket }, agents: () => [], clock, log, lookMs: 200 });
const service = await openRuns({
  store,
  catalogue: {
    scenarios: new Map([['quick', { scenario: { name: 'quick', timeline: [] }, file: join(folder, 'quick') }]]),
    environments: new Map(environments.map((name) => [name, { environment: { name }, file: join(folder, 'env') }])),
    probes: new Map(),
  } as unknown as Catalogue,
  ...{ queues, clock, log },
  announce: () => undefined,
  onRunEnded: () => Promise.resolve(),
  program: ['/bin/sh', join(import.meta.dirname, 'a-runner.sh')],
  folder: join(folder, 'runs'),
  labPrefix: 'hf',
  retention: { history: 1e12 },
  periods: () => [],
  sweepMs: 200,
  lookMs: 100,
});
await service.schedules.putFile(schedules);
process.stdout.write('ready\n');
// What its parent asks of it: how old its canary is.
setInterval(() => {
  const [ticks] = queues.canaryAges();
  writeFileSync(join(folder, 'canary-age'), JSON.stringify({ ageMs: ticks?.ageMs ?? null, atMs: monoMs() }));
}, 200);
