// Tests in four projects: `unit` touches no network beyond loopback; `lab` builds real labs; `service` has all of the service, on labs too;
// `cluster` has one lab of real Kubernetes and MetalLB for all of its tests.
import { defineConfig } from 'vitest/config';

/** The service and its agents, their rooms and the whole of them: what `npm run test:service` runs. */
const OF_THE_SERVICE = ['test/{agent,service,service-lab,ui}/**/*.test.ts', 'test/cli/trigger.test.ts'];

export default defineConfig({
  test: {
    root: new URL('..', import.meta.url).pathname,
    projects: [
      {
        test: {
          name: 'unit',
          include: ['test/**/*.test.ts'],
          exclude: ['test/lab/**', 'test/safety/**', 'test/truth/**', 'test/cluster-lab/**', ...OF_THE_SERVICE],
          maxWorkers: 2,
          // Of a busy machine: what passes at all passes long before, and who waits in vain says for what (test/support/eventually.ts).
          testTimeout: 120_000,
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
      {
        test: {
          name: 'cluster',
          include: ['test/cluster-lab/**/*.test.ts'],
          globalSetup: 'test/support/a-cluster-lab.ts',
          // All files share one lab, which each leaves as it found it: one after the other.
          maxWorkers: 1,
          testTimeout: 240_000,
          hookTimeout: 240_000,
        },
      },
    ],
  },
});
