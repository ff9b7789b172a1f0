import { expect, test } from 'vitest';
import { inferredSets } from '../../src/analysis/inferred-sets.ts';
import { indexJournal } from '../../src/analysis/run-facts.ts';
import type { SetHistory } from '../../src/analysis/set-history.ts';
import { aJournal, type JournalDraft } from '../support/a-journal.ts';

function historyOf(journal: JournalDraft): [number, string | null][] {
  const history: SetHistory = inferredSets(indexJournal(journal.sorted()))[0]?.history ?? [];
  return history.map(({ t, nodes }) => [t, nodes?.join() ?? null]);
}

/** Fresh dials from second 1 to 30, eight a second, spread over the nodes that `alive` names. */
function dial(journal: JournalDraft, alive: (bin: number) => readonly string[]): JournalDraft {
  for (let bin = 1; bin <= 30; bin += 1) {
    const nodes = alive(bin);
    for (const path of nodes) journal.tally(bin, { path, ok: 8 / nodes.length, fresh: true });
  }
  return journal;
}

test('a hop that takes no dial while others take many has left, and is back when it takes one', () => {
  const journal = dial(aJournal(), (bin) => (bin >= 10 && bin < 20 ? ['n1', 'n3'] : ['n1', 'n2', 'n3', 'n4']));
  expect(historyOf(journal)).toEqual([
    [1_000, 'n1,n2,n3,n4'],
    [10_000, 'n1,n3'],
    [20_000, 'n1,n2,n3,n4'],
    [33_000, null],
  ]);
});

test('a hop that chance alone may have passed over has not left', () => {
  const journal = dial(aJournal(), (bin) => (bin >= 10 && bin < 13 ? ['n1', 'n3'] : ['n1', 'n2', 'n3', 'n4']));
  expect(historyOf(journal)).toEqual([
    [1_000, 'n1,n2,n3,n4'],
    [33_000, null],
  ]);
});

test('answers of held flows on other hops are no sign that a hop has left', () => {
  const journal = dial(aJournal(), (bin) => (bin >= 10 && bin < 13 ? ['n1', 'n3'] : ['n1', 'n2', 'n3', 'n4']));
  for (let bin = 10; bin < 13; bin += 1) journal.tally(bin, { path: 'n1', ok: 500 });
  expect(historyOf(journal).length).toBe(2);
});

test('a held flow that is answered through a hop shows that it is there, dialled or not', () => {
  const journal = dial(aJournal(), (bin) => (bin >= 10 && bin < 20 ? ['n1', 'n3'] : ['n1', 'n2', 'n3', 'n4']));
  for (let bin = 10; bin < 20; bin += 1) journal.tally(bin, { path: 'n2', ok: 1 }).tally(bin, { path: 'n4', lost: 5 });
  expect(historyOf(journal).map(([, nodes]) => nodes)).toEqual(['n1,n2,n3,n4', 'n1,n2,n3', 'n1,n2,n3,n4', null]);
});

test('flows that leave a hop tell the instant, and those that arrive tell its return', () => {
  const journal = dial(aJournal(), (bin) => (bin >= 10 && bin < 20 ? ['n1', 'n3'] : ['n1', 'n2', 'n3', 'n4']));
  const [one = '', other = ''] = journal.flows(2, { protocol: 'udp', ingress: 'n2' });
  journal.changes(one, 9_480, 'n1').changes(other, 9_350, 'n3').changes(one, 20_440, 'n2').changes(other, 20_730, 'n2');
  expect(historyOf(journal)).toEqual([
    [1_000, 'n1,n2,n3,n4'],
    [9_350, 'n1,n3,n4'],
    [10_000, 'n1,n3'],
    [20_000, 'n1,n3,n4'],
    [20_440, 'n1,n2,n3,n4'],
    [33_000, null],
  ]);
});

test('while nobody at all is answered nothing is known', () => {
  const journal = dial(aJournal(), (bin) => (bin >= 10 && bin < 15 ? [] : ['n1', 'n2']));
  expect(historyOf(journal)).toEqual([
    [1_000, 'n1,n2'],
    [12_000, null],
    [15_000, 'n1,n2'],
    [33_000, null],
  ]);
});

test('each vantage infers its own set: two may sit behind two routers', () => {
  const journal = aJournal({ vantages: ['v1', 'v2'] });
  dial(journal, () => ['n1']);
  for (let bin = 1; bin <= 30; bin += 1) journal.tally(bin, { vantage: 'v2', path: 'n2', ok: 8, fresh: true });
  const sets = inferredSets(indexJournal(journal.sorted()));
  expect(sets.map(({ vantage, history }) => [vantage, history[0]?.nodes])).toEqual([
    ['v1', ['n1']],
    ['v2', ['n2']],
  ]);
});
