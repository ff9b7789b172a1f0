import { expect, test } from 'vitest';
import { SecondsBook } from '../../../src/analysis/monitor/seconds-book.ts';

test('flows of a prober that was ill are shown as unknown, not as lost', () => {
  const book = new SecondsBook();
  const tally = {
    t: 0,
    from: 'prober:v1',
    seq: 0,
    type: 'tally',
    vantage: 'v1',
    vip: 'web',
    protocol: 'tcp',
    path: 'n1',
    rtt: {},
  } as const;
  book.take({ ...tally, bin: 7, scheduled: 20, ok: 20, late: 0, lost: 0, notSent: 0, invalid: 0 }, 500);
  book.take({ ...tally, bin: 8, scheduled: 20, ok: 0, late: 0, lost: 0, notSent: 0, invalid: 20 }, 500);
  expect(book.recent(9_000, 0)).toEqual([
    { atMs: 7_000, vip: 'web', byPath: { n1: 10 }, lost: 0, broke: 0 },
    { atMs: 8_000, vip: 'web', byPath: { unknown: 10 }, lost: 0, broke: 0 },
  ]);
});
