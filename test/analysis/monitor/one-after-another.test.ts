import { expect, test } from 'vitest';
import { aJournal } from '../../support/a-journal.ts';
import { contextOf, Player, ticking } from './a-watch.ts';

const ALL = ['n1', 'n2', 'n3'];

test('a hop that leaves soon after another came back is not blamed for what that return broke', () => {
  const journal = aJournal().set(100, ALL);
  ticking(journal, { untilBin: 120 });
  const onN2 = journal.flows(6, { ingress: 'n2' });
  journal.flows(4, { ingress: 'n1' });
  journal.set(40_000, ['n1', 'n2']).set(42_000, ['n1', 'n2'], { settled: true });
  journal.set(60_000, ALL).set(62_000, ALL, { settled: true });
  // The return of n3 moves one flow of n2; fourteen seconds later, all quiet, n2 itself leaves.
  journal.breaks(onN2[0] ?? '', 60_100).maps(onN2[0] ?? '', 60_400, 'n3');
  journal.set(74_000, ['n1', 'n3']).set(76_000, ['n1', 'n3'], { settled: true });
  for (const flow of onN2.slice(1)) journal.breaks(flow, 74_100).maps(flow, 74_400, 'n1');
  const player = new Player(contextOf(journal.events)).play(journal.sorted(), { untilT: 100_000 });
  expect(player.of('next-hops-changed').map(({ subject, brokenByCause, openedMs }) => [subject, brokenByCause, openedMs])).toEqual([
    ['n3', { reset: 1 }, 1_700_000_040_000],
    ['n2', { reset: 5 }, 1_700_000_074_000],
  ]);
});
