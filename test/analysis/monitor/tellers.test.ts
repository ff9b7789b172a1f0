// Who tells of a set may change, or differ: observers that go blind, flows alone, routers with sets of their own.
import { expect, test } from 'vitest';
import { aJournal, type JournalDraft } from '../../support/a-journal.ts';
import { contextOf, Player, ticking } from './a-watch.ts';

const ALL = ['n1', 'n2', 'n3'];

/** Eight fresh dials a second, spread over the nodes that `alive` names. */
function dialling(journal: JournalDraft, { fromBin, untilBin, vantage = 'v1', alive }: Dialling): void {
  for (let bin = fromBin; bin < untilBin; bin += 1) {
    const nodes = alive(bin);
    for (const path of nodes) journal.tally(bin, { vantage, path, ok: Math.ceil(8 / nodes.length), fresh: true });
  }
}
type Dialling = { fromBin: number; untilBin: number; vantage?: string; alive: (bin: number) => readonly string[] };

function play(journal: JournalDraft, untilT: number): Player {
  return new Player(contextOf(journal.events)).play(journal.sorted(), { untilT });
}

function blind(journal: JournalDraft, t: number): void {
  journal.add(t, 'observer.blind', { observer: 'routes', reason: 'test' }, 'observer:tor');
}

test('while the observer is blind flows tell of the set, and when it sees again it goes on from there', () => {
  const journal = aJournal().set(100, ALL);
  blind(journal, 20_500);
  dialling(journal, { fromBin: 0, untilBin: 120, alive: (bin) => (bin >= 40 && bin < 90 ? ['n1', 'n3'] : ALL) });
  journal.set(80_000, ['n1', 'n3']).set(90_500, ALL);
  const player = play(journal, 22_000);
  expect(player.watch.status(22_000).nextHops).toMatchObject([{ from: 'flows', nodes: null }]);
  player.restart().play(journal.sorted(), { untilT: 70_000 });
  expect(player.watch.status(70_000).nextHops).toMatchObject([{ from: 'flows', nodes: ['n1', 'n3'] }]);
  expect(player.last()).toMatchObject([{ kind: 'next-hops-changed', subject: 'n2', state: 'open' }]);
  player.play(journal.sorted(), { untilT: 85_000 });
  expect(player.watch.status(85_000).nextHops).toMatchObject([{ from: 'observer', nodes: ['n1', 'n3'] }]);
  expect(player.last().length).toBe(1);
  player.play(journal.sorted(), { untilT: 118_000 });
  expect(player.last()).toMatchObject([{ kind: 'next-hops-changed', subject: 'n2', state: 'resolved', resolvedMs: 1_700_000_090_500 }]);
});

test('a hop that dies and then leaves while the observer is blind is no dead path for ever', () => {
  const journal = aJournal().set(100, ALL);
  blind(journal, 20_500);
  ticking(journal, { untilBin: 120, paths: ['n1', 'n3'] });
  ticking(journal, { untilBin: 40, paths: ['n2'] });
  dialling(journal, { fromBin: 0, untilBin: 120, alive: (bin) => (bin >= 40 ? ['n1', 'n3'] : ALL) });
  for (let bin = 40; bin < 50; bin += 1) journal.tally(bin, { path: 'unknown', lost: 3, fresh: true });
  journal.flows(10, { ingress: 'n1' });
  for (const flow of journal.flows(5, { ingress: 'n2' })) journal.breaks(flow, 40_100, { breakCause: 'stalled', t: 41_600 });
  const player = play(journal, 110_000);
  expect(player.of('path-dead')).toMatchObject([
    { state: 'resolved', sentence: expect.stringContaining('left the next-hop set') as string },
  ]);
  expect(player.of('next-hops-changed')).toMatchObject([{ subject: 'n2', state: 'open' }]);
});

test('without an observer a hop that first answers a moment later has neither left nor joined', () => {
  const journal = aJournal();
  dialling(journal, { fromBin: 0, untilBin: 120, alive: (bin) => ALL.slice(0, bin + 1) });
  const player = play(journal, 122_000);
  expect(player.last()).toEqual([]);
  expect(player.watch.status(122_000).nextHops).toMatchObject([{ nodes: ALL }]);
});

test('without an observer hops that answer again one after the other have not left', () => {
  const journal = aJournal();
  dialling(journal, { fromBin: 0, untilBin: 60, alive: () => ALL });
  dialling(journal, { fromBin: 360, untilBin: 420, alive: (bin) => ALL.slice(0, bin - 359) });
  expect(
    play(journal, 422_000)
      .of('next-hops-changed')
      .map(({ sentence }) => sentence),
  ).toEqual([]);
});

test('without an observer a hop that leaves is still told, with the proof that it always took', () => {
  const journal = aJournal();
  dialling(journal, { fromBin: 0, untilBin: 120, alive: (bin) => (bin >= 60 && bin < 90 ? ['n1', 'n3'] : ALL) });
  expect(play(journal, 122_000).last()).toMatchObject([{ kind: 'next-hops-changed', subject: 'n2', state: 'resolved' }]);
});

test('where two routers differ, each change is settled by who told it', () => {
  const journal = aJournal()
    .set(100, ['n1', 'n2'], { router: 'left' })
    .set(100, ['n3', 'n4'], { router: 'right' })
    .set(40_000, ['n1'], { router: 'left' })
    .set(60_000, ['n3', 'n4', 'n5'], { router: 'right' })
    .set(90_000, ['n1', 'n2'], { router: 'left' });
  ticking(journal, { untilBin: 120, paths: ['n1', 'n3'] });
  journal.flow({ ingress: 'n1' });
  const player = play(journal, 80_000);
  expect(player.of('next-hops-changed').map(({ subject, state, severity }) => [subject, state, severity])).toEqual([
    ['n2', 'open', 'warn'],
    ['n5', 'resolved', 'info'],
  ]);
  player.play(journal.sorted(), { untilT: 120_000 });
  expect(player.of('next-hops-changed')).toMatchObject([{ state: 'resolved', resolvedMs: 1_700_000_090_000 }, { state: 'resolved' }]);
});

test('where two vantages see different sets, what one of them saw is settled by it', () => {
  const journal = aJournal({ vantages: ['v1', 'v2'] });
  dialling(journal, { fromBin: 0, untilBin: 160, alive: (bin) => (bin >= 60 && bin < 90 ? ['n1', 'n3'] : ALL) });
  dialling(journal, { fromBin: 0, untilBin: 160, vantage: 'v2', alive: () => ['n4', 'n5'] });
  expect(play(journal, 162_000).last()).toMatchObject([{ kind: 'next-hops-changed', subject: 'n2', state: 'resolved' }]);
});
