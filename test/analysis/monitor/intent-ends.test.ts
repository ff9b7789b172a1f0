import { describe, expect, test } from 'vitest';
import { aJournal } from '../../support/a-journal.ts';
import { aCluster, ALL, changes, dials, found, intends, ms, OTHERS, play } from './an-intent.ts';
import { contextOf, Player, ticking } from './a-watch.ts';

const VANTAGES = { vantages: ['v1', 'v2'] };
/** A vantage that told nothing for 15 min is waited for no longer. */
const LONG_S = 1_100;

/** Two vantages, of which v1 is heard of for a minute only. */
function withOneGone() {
  const journal = aJournal(VANTAGES);
  ticking(journal, { vantage: 'v1', untilBin: 60, paths: ['unknown'] });
  ticking(journal, { vantage: 'v2', untilBin: LONG_S, paths: ['unknown'] });
  return intends(journal, 100, ALL).set(100, ALL);
}

describe('of two vantages that saw it one is not heard of any more', () => {
  test('it ends by what the other one sees', () => {
    const journal = dials(dials(withOneGone(), OTHERS, { untilS: 60 }), OTHERS, { untilS: 1_000, vantage: 'v2' });
    dials(journal, ALL, { fromS: 1_000, untilS: LONG_S, vantage: 'v2' });
    expect(found(play(journal, { untilT: 1_000_000 }))).toMatchObject([{ state: 'open', vantages: ['v1', 'v2'] }]);
    const [finding] = found(play(journal, { untilT: LONG_S * 1_000 }));
    expect(finding).toMatchObject({
      state: 'resolved',
      sentence: expect.stringMatching(/, as flows from v1 and flows from v2 showed; intent and wire agree again\.$/) as string,
    });
    expect((finding?.resolvedMs ?? 0) - ms(1_000_000)).toBeGreaterThanOrEqual(0);
    expect((finding?.resolvedMs ?? 0) - ms(1_000_000)).toBeLessThan(10_000);
  });

  test('nobody waits for it where the router shows that all is right', () => {
    const journal = changes(changes(withOneGone(), 20_000, OTHERS), 300_000, ALL);
    dials(journal, ALL, { untilS: 60 });
    dials(dials(dials(journal, ALL, { untilS: 60, vantage: 'v2' }), OTHERS, { fromS: 60, untilS: 300, vantage: 'v2' }), ALL, {
      ...{ fromS: 300, untilS: LONG_S, vantage: 'v2' },
    });
    expect(found(play(journal, { untilT: 400_000 }))).toMatchObject([{ state: 'resolved', resolvedMs: ms(302_000) }]);
  });

  test('once it is given up the finding is over since all others were right', () => {
    const journal = changes(intends(withOneGone(), 10_000, OTHERS), 200_000, OTHERS);
    dials(dials(journal, ALL, { untilS: 60 }), ALL, { untilS: 200, vantage: 'v2' });
    dials(journal, OTHERS, { fromS: 200, untilS: LONG_S, vantage: 'v2' });
    expect(found(play(journal, { untilT: LONG_S * 1_000 }))).toMatchObject([
      {
        state: 'resolved',
        resolvedMs: ms(202_000),
        sentence: expect.stringMatching(/was a phantom for 184 s, .*; intent and wire agree again\.$/) as string,
      },
    ]);
  });
});

describe('where nobody reads the router, a phantom', () => {
  const phantom = (untilS: number) => {
    const journal = intends(aJournal(), 100, OTHERS);
    ticking(journal, { untilBin: 300, paths: ['unknown'] });
    return dials(journal, ALL, { untilS });
  };

  test('stays open while no dial is answered at all, and ends when dials are, by others', () => {
    expect(found(play(phantom(60), { untilT: 300_000 }))).toMatchObject([{ state: 'open' }]);
    const again = dials(phantom(60), OTHERS, { fromS: 200, untilS: 300 });
    expect(found(play(again, { untilT: 300_000 }))).toMatchObject([{ state: 'resolved' }]);
  });

  test('stays open while few dials are made and one in forty comes in by it, and ends once enough of them did not', () => {
    const rarelyUsed = intends(aJournal(), 100, OTHERS);
    ticking(rarelyUsed, { untilBin: 500, paths: ['unknown'] });
    for (let bin = 1; bin < 500; bin += 1) {
      const path = bin % 40 === 20 && bin < 300 ? 'n2' : bin % 2 === 0 ? 'n1' : 'n3';
      rarelyUsed.tally(bin, { path, ok: 1, fresh: true });
    }
    expect(found(play(rarelyUsed, { untilT: 300_000 }))).toMatchObject([{ state: 'open' }]);
    expect(found(play(rarelyUsed, { untilT: 500_000 }))).toMatchObject([{ state: 'resolved' }]);
  });

  test('stays open while dials come in by it, though its speaker refuses the configuration and what it is to do is not known', () => {
    const journal = phantom(300);
    const nodes = ALL.map((node) => ({ node, announcedTo: [], configuration: 'Invalid', error: 'bad', sessions: [] }));
    journal.cluster(60_000, 'cluster.metallb-status', { vip: 'web', nodes });
    expect(found(play(journal, { untilT: 300_000 }))).toMatchObject([{ state: 'open' }]);
  });
});

test('a set that changed shortly before flows missed the path did not end it: the first flow by it did', () => {
  const journal = changes(changes(aCluster(), 20_000, OTHERS), 26_000, ALL);
  dials(dials(dials(journal, ALL, { untilS: 20 }), OTHERS, { fromS: 20, untilS: 58 }), ALL, { fromS: 58 });
  const [finding] = found(play(journal));
  expect(finding).toMatchObject({ state: 'resolved', openedMs: ms(28_000) });
  expect((finding?.resolvedMs ?? 0) - ms(58_000)).toBeGreaterThanOrEqual(0);
  expect((finding?.resolvedMs ?? 0) - ms(58_000)).toBeLessThan(10_000);
});

test('a zombie stays one for as long as it lasts, also to a vantage that sees it late', () => {
  const journal = intends(intends(aJournal(VANTAGES), 100, ALL), 20_000, OTHERS);
  for (const vantage of VANTAGES.vantages) ticking(journal, { vantage, untilBin: 300, paths: ['unknown'] });
  dials(dials(journal, ALL, { untilS: 300 }), ALL, { fromS: 200, untilS: 300, vantage: 'v2' });
  const tellings = play(journal, { untilT: 300_000 }).told.filter(({ finding }) => finding.kind === 'path-not-as-intended');
  expect(tellings.length).toBeGreaterThan(1);
  expect(tellings.filter(({ finding }) => !finding.sentence.endsWith('(a zombie path).'))).toEqual([]);
});

test.each(['missing', 'phantom'])('an agent that is always late sees a %s path end as well', (kind) => {
  const [before, after] = kind === 'missing' ? [OTHERS, ALL] : [ALL, OTHERS];
  const journal = intends(aJournal(VANTAGES), 100, after);
  for (const vantage of VANTAGES.vantages) {
    ticking(journal, { vantage, untilBin: 200, paths: ['unknown'] });
    dials(dials(journal, before, { untilS: 100, vantage }), after, { fromS: 100, untilS: 200, vantage });
  }
  const arrives = ({ t, from }: { t: number; from: string }) => (from === 'prober:v1' ? t + 18_000 : t);
  const player = new Player(contextOf(journal.events)).play(journal.sorted(), { untilT: 200_000, arrives });
  expect(found(player)).toMatchObject([{ state: 'resolved', vantages: ['v1', 'v2'] }]);
});
