import fc from 'fast-check';
import { expect, test } from 'vitest';
import { quantileMs } from '../../src/core/histogram.ts';
import { type Account, TallyBook, type TallyLine, type Verdict } from '../../src/prober/tally-book.ts';

const web: Account = { vip: 'web', protocol: 'tcp', fresh: false };
const dials: Account = { ...web, fresh: true };

function aBook(illBins: readonly number[] = []): { book: TallyBook; told: TallyLine[] } {
  const told: TallyLine[] = [];
  const book = new TallyBook({ finalAfterMs: 2_000, isIll: (bin) => illBins.includes(bin), tell: (line) => told.push(line) });
  return { book, told };
}

const verdicts: fc.Arbitrary<Verdict> = fc.constantFrom('ok', 'late', 'lost', 'notSent', 'invalid');
const exchanges = fc.array(
  fc.record({
    account: fc.constantFrom(web, dials, { ...web, protocol: 'udp' }),
    dueT: fc.integer({ min: 0, max: 10_000 }),
    path: fc.constantFrom('n1', 'n2', 'unknown'),
    verdict: verdicts,
    /** How long until it is judged. */
    takesMs: fc.integer({ min: 0, max: 5_000 }),
  }),
  { maxLength: 200 },
);

test('every exchange is told exactly once, and scheduled = ok + late + lost + notSent + invalid in every line', () => {
  fc.assert(
    fc.property(exchanges, fc.array(fc.nat(10)), (list, illBins) => {
      const { book, told } = aBook(illBins);
      const acts = list.flatMap((exchange) => [
        {
          t: exchange.dueT,
          run: () => {
            book.schedule(exchange.dueT);
          },
        },
        {
          t: exchange.dueT + exchange.takesMs,
          run: () => {
            book.judge(exchange.account, exchange);
          },
        },
      ]);
      // A sort keeps the order of equals: scheduled before judged.
      for (const { t, run } of acts.sort((a, b) => a.t - b.t)) {
        book.flush(t);
        run();
      }
      book.close();
      const keys = told.map(({ vip, protocol, fresh, path, bin }) => [vip, protocol, fresh, path, bin].join(' '));
      expect(new Set(keys).size).toBe(keys.length);
      for (const { account, path, bin } of list.map((each) => ({ ...each, bin: Math.floor(each.dueT / 1_000) }))) {
        const same = list.filter((each) => each.account === account && each.path === path && Math.floor(each.dueT / 1_000) === bin);
        const line = told.find(
          (each) => each.protocol === account.protocol && each.fresh === account.fresh && each.path === path && each.bin === bin,
        );
        const count = (verdict: Verdict) => (illBins.includes(bin) ? 0 : same.filter((each) => each.verdict === verdict).length);
        expect(line?.tally).toEqual({
          scheduled: same.length,
          ok: count('ok'),
          late: count('late'),
          lost: count('lost'),
          notSent: count('notSent'),
          invalid: illBins.includes(bin) ? same.length : count('invalid'),
        });
      }
    }),
  );
});

test('a second is told once it can no longer change: after the wait, and when nothing of it is unjudged', () => {
  const { book, told } = aBook();
  for (const dueT of [100, 200]) book.schedule(dueT);
  book.judge(web, { dueT: 100, path: 'n1', verdict: 'ok', latencyMs: 4 });
  book.flush(10_000);
  expect(told).toEqual([]);
  book.judge(web, { dueT: 200, path: 'n1', verdict: 'lost' });
  book.flush(2_999);
  expect(told).toEqual([]);
  book.flush(3_000);
  expect(told).toMatchObject([{ path: 'n1', bin: 0, tally: { scheduled: 2, ok: 1, lost: 1 } }]);
});

test('latencies of ok exchanges alone are kept, and none of a second in which the prober was ill', () => {
  const { book, told } = aBook([1]);
  for (const [dueT, verdict, latencyMs] of [
    [0, 'ok', 10],
    [10, 'late', 900],
    [1_000, 'ok', 10],
  ] as const) {
    book.schedule(dueT);
    book.judge(web, { dueT, path: 'n1', verdict, latencyMs });
  }
  book.close();
  expect(told.map(({ bin, rtt }) => [bin, Math.round(quantileMs(rtt, 1) ?? -1)])).toEqual([
    [0, 10],
    [1, -1],
  ]);
});

test('the pulse counts exchanges of held flows since the last one, fresh dials not among them', () => {
  const { book } = aBook();
  for (const account of [web, dials]) {
    book.schedule(0);
    book.judge(account, { dueT: 0, path: 'n1', verdict: 'ok' });
  }
  expect(book.takePulse()).toMatchObject({ scheduled: 1, ok: 1 });
  expect(book.takePulse()).toMatchObject({ scheduled: 0, ok: 0 });
});

test('a book that is closed with an exchange unjudged is a bug, and says so', () => {
  const { book } = aBook();
  book.schedule(0);
  expect(() => {
    book.close();
  }).toThrow('owes 1 verdict');
});
