// Tests in three projects: `unit` touches no network beyond loopback; `lab` builds real labs; `service` runs the whole service on one.
import { defineConfig } from 'vitest/config';

/** What runs the whole service, and what of its rooms takes long by itself: processes killed, real runs, the page in a browser. */
const OF_THE_SERVICE = [
  'test/service-lab/**/*.test.ts',
  'test/agent/agent.test.ts',
  'test/cli/trigger.test.ts',
  'test/service/alerts/outbox-kill.test.ts',
  'test/service/runs/{open-runs,queue-storm,real-run}.test.ts',
  'test/ui/page-*.test.ts',
];

export default defineConfig({
  test: {
    root: new URL('..', import.meta.url).pathname,
    projects: [
      {
        test: {
          name: 'unit',
          include: ['test/**/*.test.ts'],
          exclude: ['test/lab/**', 'test/safety/**', 'test/truth/**', ...OF_THE_SERVICE],
          maxWorkers: 2,
          testTimeout: 20_000,
        },
      },
      {
        test: {
          name: 'lab',
          include: ['test/{lab,safety,truth}/**/*.test.ts'],
          // Each file has labs of its own; they mostly wait, and two at a time leave two cores room enough.
          maxWorkers: 2,
          testTimeout: 120_000,
          hookTimeout: 120_000,
        },
      },
      {
        test: {
          name: 'service',
          include: OF_THE_SERVICE,
          maxWorkers: 2,
          testTimeout: 120_000,
          hookTimeout: 120_000,
        },
      },
    ],
  },
});
