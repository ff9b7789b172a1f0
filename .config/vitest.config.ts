// Tests in three projects: `unit` touches no network beyond loopback; `lab` builds real labs; `service` runs the whole service on one.
import { defineConfig } from 'vitest/config';

export default defineConfig({
  test: {
    root: new URL('..', import.meta.url).pathname,
    projects: [
      {
        test: {
          name: 'unit',
          include: ['test/**/*.test.ts'],
          exclude: ['test/lab/**', 'test/safety/**', 'test/truth/**', 'test/service-lab/**'],
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
          include: ['test/service-lab/**/*.test.ts'],
          maxWorkers: 2,
          testTimeout: 120_000,
          hookTimeout: 120_000,
        },
      },
    ],
  },
});
