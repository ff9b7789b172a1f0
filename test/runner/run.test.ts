// A run that cannot begin is refused in words for a person, whatever it was that stopped it.
import { spawn } from 'node:child_process';
import { expect, test } from 'vitest';
import type { Environment } from '../../src/core/environment.ts';
import { AppError } from '../../src/core/errors.ts';
import { executeRun, type RunTools } from '../../src/runner/run.ts';

const environment: Environment = {
  name: 'one',
  title: 'One',
  lab: null,
  vantages: [{ name: 'v1', addresses: [], netns: null }],
  vips: [{ name: 'web', address: '192.0.2.1', family: 4, port: 7000, policy: 'local', service: null }],
  nodes: [],
  routers: [],
  cluster: null,
  keeperSocket: null,
  observers: [],
};

const plan = {
  seed: 1,
  environment,
  probes: {},
  scenario: { name: 's', title: 'S', flows: [], timeline: [], expect: [], baseline: 1, recovery: 1, minFlows: 1 },
};

/** A run of which nothing but the journal works: every event that an observer tells goes to `write`. */
function tools(write: RunTools['write']): RunTools {
  return {
    runId: 'r',
    t0MonoMs: 0,
    t: () => 0,
    wallClockMs: 0,
    versions: {},
    write,
    sync: () => undefined,
    startProber: () => spawn('cat'),
    key: '',
    runTag: '',
    keeper: null,
    startObservers: (emit) => {
      emit({ t: 0, from: 'observer:tor', type: 'run.note', note: 'seen' });
      return Promise.resolve({ [Symbol.asyncDispose]: () => Promise.resolve() });
    },
    onPulse: () => undefined,
    interrupt: new AbortController().signal,
  };
}

test('a disk that is full before the flows are open refuses the run with what the disk said', async () => {
  const full = new AppError('DISK', 'cannot write j: ENOSPC', { remedy: 'make room on the disk' });
  const withFlows = { ...plan, scenario: { ...plan.scenario, flows: [{ probe: 'p', vip: 'web', vantages: 'all' as const, count: 1 }] } };
  const end = await executeRun(
    withFlows,
    tools(({ from }) => {
      if (from !== 'runner') throw full;
    }),
  );
  expect(end).toEqual({ kind: 'refused', error: full });
});
