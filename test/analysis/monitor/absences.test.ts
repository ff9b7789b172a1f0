// What becomes of findings while nobody delivers: the service was away, or a vantage is heard of no more.
import { expect, test } from 'vitest';
import { aJournal, type JournalDraft } from '../../support/a-journal.ts';
import { contextOf, Player, ticking } from './a-watch.ts';

const ALL = ['n1', 'n2', 'n3'];
const AWAY = { fromT: 70_000, untilT: 70_000 + 3_600_000 };

/** n2's flows stall at 60 s and live again long after; at 30 min n3 breaks ten flows at once. */
function anHourWithADeadPath(): JournalDraft {
  const journal = aJournal().set(100, ALL);
  ticking(journal, { untilBin: 4_000, paths: ['n1', 'n3'] });
  ticking(journal, { untilBin: 60, paths: ['n2'] });
  ticking(journal, { fromBin: 3_900, untilBin: 4_000, paths: ['n2'] });
  journal.flows(10, { ingress: 'n1' });
  const three = journal.flows(20, { ingress: 'n3' });
  const two = journal.flows(5, { ingress: 'n2' });
  for (const flow of two) {
    journal.breaks(flow, 60_100, { breakCause: 'stalled', t: 61_600 });
    journal.recovers(flow, 3_900_000, 'n2');
  }
  for (const flow of three.slice(0, 10)) {
    journal.breaks(flow, 1_800_000);
    journal.flow({ ingress: 'n3', openT: 1_800_100, replaces: flow });
  }
  return journal;
}

test('while the service was away nobody could be heard: what was open stays open, and what happened meanwhile is told whole', () => {
  const journal = anHourWithADeadPath();
  const arrives = ({ t, from }: { t: number; from: string }) =>
    from === 'prober:v1' && t > AWAY.fromT ? Math.max(t, AWAY.untilT + 20_000) : t;
  const player = new Player(contextOf(journal.events)).play(journal.sorted(), { untilT: AWAY.fromT });
  player.restart();
  player.watch.resumed(AWAY.untilT);
  player.advance(AWAY.untilT).restart().play(journal.sorted(), { untilT: 4_100_000, arrives });
  expect(player.told.filter(({ atT }) => atT >= AWAY.untilT && atT < AWAY.untilT + 20_000)).toEqual([]);
  expect(player.last()).toMatchObject([
    {
      kind: 'path-dead',
      subject: 'n2',
      state: 'resolved',
      resolvedMs: 1_700_003_900_000,
      brokenByCause: { stalled: 5 },
      sentence: expect.stringContaining('it answers again') as string,
    },
    { kind: 'break-burst', state: 'resolved', brokenByCause: { reset: 10 } },
  ]);
  expect(player.watch.status(4_100_000).lateEvents).toBe(0);
});

test('who is not heard of for a quarter of an hour after the service is back is given up', () => {
  const journal = anHourWithADeadPath();
  const events = journal.sorted().filter(({ t }) => t < AWAY.fromT);
  const player = new Player(contextOf(journal.events)).play(events, { untilT: AWAY.fromT });
  player.watch.resumed(AWAY.untilT);
  player.advance(AWAY.untilT + 800_000);
  expect(player.of('path-dead')).toMatchObject([{ state: 'open' }]);
  player.advance(AWAY.untilT + 1_000_000);
  expect(player.of('path-dead')).toMatchObject([{ state: 'resolved', sentence: expect.stringContaining('nobody who saw it') as string }]);
});

test('a lost source and an ill prober of a vantage that is heard of no more do not stay open for ever, and are told anew when it is back', () => {
  const journal = aJournal().set(100, ALL);
  ticking(journal, { untilBin: 30 });
  const flow = journal.flow({ ingress: 'n2', observedSource: '10.77.0.12' });
  for (let t = 24_000; t < 30_000; t += 1_000)
    journal.add(t + 900, 'prober.ill', { vantage: 'v1', fromT: t, untilT: t + 900, why: 'stood still' }, 'prober:v1');
  ticking(journal, { fromBin: 1_998, untilBin: 2_010 });
  const player = new Player(contextOf(journal.events)).play(journal.sorted(), { untilT: 1_500_000 });
  expect(player.last()).toMatchObject([
    { kind: 'source-ip-lost', state: 'resolved', sentence: expect.stringMatching(/nobody who saw it is heard of any more\.$/) as string },
    { kind: 'agent-ill', state: 'resolved', sentence: expect.stringMatching(/nothing is heard from there any more\.$/) as string },
  ]);
  player.restart().play(journal.sorted(), { untilT: 2_005_000 });
  expect(player.of('source-ip-lost')).toMatchObject([{ state: 'resolved' }, { state: 'open', openedMs: 1_700_002_000_000 }]);
  journal.add(2_006_000, 'flow.closed', { flow }, 'prober:v1');
  player.play(journal.sorted(), { untilT: 2_012_000 });
  expect(player.of('source-ip-lost')).toMatchObject([{ state: 'resolved' }, { state: 'resolved' }]);
});
