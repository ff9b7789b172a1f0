// Tests in two projects: `unit` touches no network beyond loopback; `lab` builds real labs, two files at a time.
import { defineConfig } from 'vitest/config';

export default defineConfig({
  test: {
    root: new URL('..', import.meta.url).pathname,
    projects: [
      {
        test: {
          name: 'unit',
          include: ['test/**/*.test.ts'],
          exclude: ['test/lab/**', 'test/safety/**', 'test/truth/**'],
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
    ],
  },
});
