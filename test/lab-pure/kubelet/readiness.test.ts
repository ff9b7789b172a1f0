// When answers of a probe make a container ready and unready, and when its process is started again.
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { afterAnswer, readinessAtStart, type Readiness } from '../../../src/lab/kubelet/readiness.ts';
import { afterExit } from '../../../src/lab/kubelet/restarts.ts';
import { aPodPlan } from '../../support/a-pod.ts';

const thresholds = fc.record({ successThreshold: fc.integer({ min: 1, max: 4 }), failureThreshold: fc.integer({ min: 1, max: 4 }) });
const after = (answers: boolean[], probe: { successThreshold: number; failureThreshold: number }) =>
  answers.reduce<Readiness>((state, answer) => afterAnswer(state, answer, probe), { isReady: false, last: null, run: 0 });

test('without a probe a container is ready as it runs; with one, not before an answer', () => {
  expect(readinessAtStart(null).isReady).toBe(true);
  expect(readinessAtStart(aPodPlan({ container: { readinessProbe: { tcpSocket: { port: 1 } } } }).container.readiness).isReady).toBe(false);
});

test('it is ready exactly if the last run of answers that reached its threshold was one of successes', () => {
  fc.assert(
    fc.property(fc.array(fc.boolean(), { maxLength: 30 }), thresholds, (answers, probe) => {
      let expected = false;
      for (let end = 1; end <= answers.length; end += 1) {
        for (const value of [true, false]) {
          const needed = value ? probe.successThreshold : probe.failureThreshold;
          const tail = answers.slice(Math.max(0, end - needed), end);
          if (tail.length === needed && tail.every((each) => each === value)) expected = value;
        }
      }
      expect(after(answers, probe).isReady).toBe(expected);
    }),
  );
});

test('one failure fewer than the threshold never takes a ready container out', () => {
  fc.assert(
    fc.property(thresholds, fc.array(fc.boolean()), (probe, before) => {
      const ready = after([...before, ...Array<boolean>(probe.successThreshold).fill(true)], probe);
      const failures = Array<boolean>(probe.failureThreshold - 1).fill(false);
      expect(failures.reduce((state, answer) => afterAnswer(state, answer, probe), ready).isReady).toBe(true);
    }),
  );
});

test('the first restart is at once, those after it wait twice as long each, a minute at most', () => {
  const delays: number[] = [];
  let crashes = 0;
  for (let time = 0; time < 9; time += 1) {
    const next = afterExit('Always', { code: 1, ranMs: 10 }, crashes);
    if (next.kind === 'over') throw new Error('not started again');
    delays.push(next.delayMs / 1_000);
    crashes = next.crashes;
  }
  expect(delays).toEqual([0, 1, 2, 4, 8, 16, 32, 60, 60]);
});

test('who ran for ten minutes is started again at once', () => {
  expect(afterExit('Always', { code: 1, ranMs: 600_000 }, 7)).toEqual({ kind: 'restart', delayMs: 0, crashes: 1 });
});

test.each([
  ['Always', 0, 'restart'],
  ['Always', null, 'restart'],
  ['OnFailure', 0, 'over'],
  ['OnFailure', 3, 'restart'],
  ['OnFailure', null, 'restart'],
  ['Never', 0, 'over'],
  ['Never', 3, 'over'],
] as const)('with restartPolicy %s an end with %s means: %s', (policy, code, expected) => {
  expect(afterExit(policy, { code, ranMs: 10 }, 0).kind).toBe(expected);
});
