// A service that was away for longer than any vantage is waited for: nobody could deliver, so nobody is given up for it.
import { expect, test } from 'vitest';
import { aJournal } from '../../support/a-journal.ts';
import { Bench } from './support/a-bench.ts';

test('what was open before the service was away stays open when it is back, however often it restarts', async () => {
  await using bench = await Bench.open();
  const journal = aJournal();
  journal.flows(10, { ingress: 'n1' });
  const silent = journal.flows(5, { ingress: 'n2' });
  for (let bin = 1; bin < 20; bin += 1) journal.tally(bin, { path: 'n1', ok: 20 });
  for (const flow of silent) journal.breaks(flow, 10_100, { breakCause: 'stalled', t: 11_600 });
  const events = journal.sorted().filter(({ from }) => from === 'prober:v1');
  bench.clock.step(22_000);
  await bench.send('a1', { events });
  await bench.pass(1);
  const [before] = await bench.findings();
  expect(before).toMatchObject({ kind: 'path-dead', state: 'open', brokenByCause: { stalled: 5 } });
  bench.clock.step(3_600_000);
  await bench.restart();
  await bench.pass(3);
  await bench.restart();
  await bench.pass(3);
  const paths = (await bench.findings()).filter(({ kind }) => kind === 'path-dead');
  expect(paths).toEqual([expect.objectContaining({ id: before?.id, state: 'open', brokenByCause: { stalled: 5 } })]);
  expect(bench.told.filter(({ kind, state }) => kind === 'path-dead' && state === 'resolved')).toEqual([]);
});
