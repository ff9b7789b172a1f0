import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { aJournal, type JournalDraft } from '../../support/a-journal.ts';
import { aCluster, ALL, changes, dials, END_S, found, intends, ms, OTHERS, play, type Played, told } from './an-intent.ts';
import { ticking } from './a-watch.ts';

describe('nothing is found', () => {
  test('where all layers agree', () => {
    expect(found(play(dials(aCluster(), ALL)))).toEqual([]);
  });

  test('where the intent changes and the wire follows in 5 s, back and forth', () => {
    const journal = aCluster();
    for (const [t, nodes] of [
      [20_000, OTHERS],
      [50_000, ALL],
    ] as const)
      changes(intends(journal, t, nodes), t + 5_000, nodes);
    dials(dials(dials(journal, ALL, { untilS: 24 }), OTHERS, { fromS: 26, untilS: 54 }), ALL, { fromS: 56 });
    expect(found(play(journal))).toEqual([]);
  });

  test('where a path is away for less time than a change may take', () => {
    const journal = changes(changes(aCluster(), 20_000, OTHERS), 27_000, ALL);
    expect(found(play(journal))).toEqual([]);
  });

  test('where nobody reads the router and the dials are too few, and where nobody says how flows are spread', () => {
    const few = intends(aJournal(), 100, ALL);
    for (let bin = 1; bin < END_S; bin += 1) few.tally(bin, { path: 'n1', ok: 1, fresh: true });
    expect(found(play(few))).toEqual([]);
    expect(found(play(dials(intends(aJournal({ spread: 'unknown' }), 100, ALL), OTHERS)))).toEqual([]);
  });

  test('where nobody tells what the cluster intends', () => {
    expect(found(play(dials(changes(aJournal().set(100, ALL), 20_000, OTHERS), OTHERS)))).toEqual([]);
  });

  test('while nobody watches the cluster: what it intended before may be so no more', () => {
    const journal = aCluster().cluster(18_000, 'observer.blind', { reason: 'the API is away' });
    expect(found(play(changes(journal, 20_000, OTHERS)))).toEqual([]);
  });

  test('by a router that nobody sees: its last word is not its state', () => {
    const journal = aCluster().add(15_000, 'observer.blind', { observer: 'routes', reason: 'vtysh is gone' }, 'observer:tor');
    expect(found(play(intends(journal, 20_000, OTHERS)))).toEqual([]);
  });
});

/** Each 7 s a pod of n3 is ready, or no more, and the router follows; the path by n2 is away from 30 s to 70 s. */
function withCrashLoop() {
  const journal = aCluster();
  for (let t = 10_000; t < END_S * 1_000; t += 7_000) {
    const isReady = t % 2_000 !== 0;
    const also = isReady ? ['n3'] : [];
    intends(journal, t, ['n1', 'n2', ...also]);
    const isAway = t + 400 >= 30_000 && t + 400 < 70_000;
    changes(journal, t + 400, ['n1', ...(isAway ? [] : ['n2']), ...also]);
  }
  return journal;
}

test('a node that never comes to rest hides no other: one that is missing meanwhile is found, and ends', () => {
  expect(found(play(withCrashLoop()))).toMatchObject([
    { subject: 'n2', state: 'resolved', sentence: expect.stringContaining('missing') as string },
  ]);
});

describe('a missing path', () => {
  test('the router has none by a node that should advertise: named with what MetalLB and the session say, until it is back', () => {
    const journal = changes(changes(aCluster(), 20_000, OTHERS), 60_000, ALL);
    const nodes = ALL.map((node) => ({ node, announcedTo: ['tor'], configuration: 'Valid', error: null, sessions: [] }));
    journal.cluster(100, 'cluster.metallb-status', { vip: 'web', nodes });
    const session = { observer: 'bgp', router: 'tor', peer: '10.77.0.12', node: 'n2' };
    journal.add(100, 'bgp-session', { ...session, state: 'Established', reason: '' }, 'observer:tor');
    journal.add(20_000, 'bgp-session', { ...session, state: 'Active', reason: 'bad peer AS' }, 'observer:tor');
    const player = play(journal);
    expect(found(play(journal, { untilT: 50_000 }))).toMatchObject([
      {
        vip: 'web',
        subject: 'n2',
        severity: 'warn',
        vantages: [],
        sentence: 'n2 should advertise web, and tor has no path by it (a missing path).',
        details: [
          'n2 should advertise web, and tor has no path by it. Its speaker says that it announces web to tor; it says so before a session ' +
            'is up, and after it died. tor’s session with it is Active (bad peer AS).',
          expect.stringMatching(/^Look at AS numbers, addresses and passwords at both ends of the session/) as string,
        ],
      },
    ]);
    expect(found(player)).toMatchObject([
      {
        state: 'resolved',
        openedMs: ms(22_000),
        resolvedMs: ms(62_000),
        sentence: 'The path of web by n2 was missing for 40 s, as tor showed; intent and wire agree again.',
      },
    ]);
    const [[openedT] = []] = told(player);
    expect(told(player)).toHaveLength(2);
    expect(openedT).toBeGreaterThanOrEqual(22_000 + 8_000);
    expect(openedT).toBeLessThanOrEqual(22_000 + 18_000);
  });

  test('the wire does not follow an intent that came back', () => {
    const journal = changes(intends(aCluster(), 20_000, OTHERS), 22_000, OTHERS);
    expect(found(play(intends(journal, 50_000, ALL)))).toMatchObject([{ subject: 'n2', state: 'open', openedMs: ms(58_000) }]);
  });

  test('no flow comes in by a node that the router sends flows to; the first one that does ends it', () => {
    const journal = dials(dials(dials(aCluster(), ALL, { untilS: 5 }), OTHERS, { fromS: 5, untilS: 70 }), ALL, { fromS: 70 });
    const player = play(journal);
    expect(found(play(journal, { untilT: 70_000 }))).toMatchObject([
      {
        subject: 'n2',
        state: 'open',
        vantages: ['v1'],
        sentence: expect.stringMatching(
          /^n2 should advertise web, and none of \d+ flows from v1 came in by it \(by chance: .*\) \(a missing path\)\.$/,
        ) as string,
      },
    ]);
    const [finding] = found(player);
    expect(finding).toMatchObject({
      state: 'resolved',
      sentence: expect.stringContaining(', as flows from v1 showed; intent and wire agree') as string,
    });
    expect((finding?.resolvedMs ?? 0) - ms(70_000)).toBeGreaterThanOrEqual(0);
    expect((finding?.resolvedMs ?? 0) - ms(70_000)).toBeLessThan(10_000);
    expect(told(player)).toHaveLength(2);
  });
});

test('a phantom path: the router keeps one by a node that should not advertise', () => {
  const journal = changes(intends(aCluster(), 20_000, OTHERS), 70_000, OTHERS);
  expect(found(play(journal, { untilT: 60_000 }))).toMatchObject([
    {
      subject: 'n2',
      sentence: expect.stringMatching(/^n2 should not advertise web \(.*\), and tor has a path by it \(a phantom path\)\.$/) as string,
    },
  ]);
  expect(found(play(journal))).toMatchObject([
    {
      state: 'resolved',
      openedMs: ms(28_000),
      resolvedMs: ms(72_000),
      sentence: 'The path of web by n2 was a phantom for 44 s, as tor showed; intent and wire agree again.',
    },
  ]);
});

test('a zombie path: withdrawn and gone from the router, and dials still come in by it', () => {
  const journal = changes(intends(aCluster(), 20_000, OTHERS), 22_000, OTHERS);
  dials(dials(journal, ALL, { untilS: 55 }), OTHERS, { fromS: 55 });
  expect(found(play(journal, { untilT: 55_000 }))).toMatchObject([
    {
      subject: 'n2',
      vantages: ['v1'],
      sentence: expect.stringMatching(
        /^n2 is still used for web: the router has no path by it any more, and \d+ of \d+ flows from v1 came in by it \(a zombie path\)\.$/,
      ) as string,
    },
  ]);
  const [finding] = found(play(journal));
  expect(finding).toMatchObject({ state: 'resolved', openedMs: ms(28_000) });
  expect((finding?.resolvedMs ?? 0) - ms(55_000)).toBeGreaterThanOrEqual(0);
  expect((finding?.resolvedMs ?? 0) - ms(55_000)).toBeLessThan(10_000);
});

test('an intent that turns ends one contradiction and begins another', () => {
  const journal = intends(changes(aCluster(), 20_000, OTHERS), 50_000, ['n1', 'n2']);
  expect(found(play(journal)).map(({ subject, state, sentence }) => [subject, state, / \(a .* path\)/.exec(sentence)?.[0]])).toEqual([
    ['n2', 'open', ' (a missing path)'],
    ['n3', 'open', ' (a phantom path)'],
  ]);
  const turned = intends(changes(intends(aCluster(), 20_000, OTHERS), 50_000, OTHERS), 50_000, ALL);
  expect(found(play(turned))).toMatchObject([
    { subject: 'n2', state: 'resolved', openedMs: ms(28_000), resolvedMs: ms(58_000) },
    { subject: 'n2', state: 'open', openedMs: ms(58_000) },
  ]);
});

test.each(['cluster', 'routes'])('what was found stays open while %s is not observed, and ends when it is seen to be right', (observer) => {
  const from = observer === 'cluster' ? 'observer:cluster' : 'observer:tor';
  const journal = changes(aCluster(), 20_000, OTHERS).add(45_000, 'observer.blind', { observer, reason: 'away' }, from);
  const seen = intends(changes(journal, 70_000, ALL), 70_000, ALL);
  expect(found(play(seen, { untilT: 70_000 }))).toMatchObject([{ state: 'open' }]);
  expect(found(play(seen))).toMatchObject([{ state: 'resolved' }]);
  expect(told(play(seen))).toHaveLength(2);
});

test('a node that is gone from the cluster ends its phantom once the router has no path by it', () => {
  const journal = aCluster();
  const nodes = OTHERS.map((node) => ({ node, advertises: true, reason: null }));
  journal.cluster(20_000, 'cluster.intent', { vip: 'web', nodes });
  expect(found(play(journal))).toMatchObject([{ subject: 'n2', state: 'open' }]);
  expect(found(play(changes(journal, 60_000, OTHERS)))).toMatchObject([{ subject: 'n2', state: 'resolved' }]);
});

test('a vantage that alone told it, and is not heard of any more, ends it as unseen', () => {
  const journal = dials(intends(aJournal(), 100, ALL), OTHERS, { untilS: 60 });
  const player = play(journal, { untilT: 60_000 });
  expect(found(player)).toMatchObject([{ state: 'open' }]);
  expect(found(player.advance(500_000))).toMatchObject([{ state: 'open' }]);
  player.advance(2_000_000);
  expect(found(player)).toMatchObject([
    { state: 'resolved', sentence: expect.stringContaining('nobody who saw it is heard of any more') as string },
  ]);
});

test('the same journal comes to the same findings, however it was delivered and wherever the service was started again', () => {
  const turning = changes(changes(intends(aCluster(), 15_000, OTHERS), 40_000, OTHERS), 60_000, ALL);
  const unused = dials(dials(dials(aCluster(), ALL, { untilS: 5 }), OTHERS, { fromS: 5, untilS: 60 }), ALL, { fromS: 60 });
  const journals = [dials(dials(turning, ALL, { untilS: 40 }), OTHERS, { fromS: 40 }), unused, withCrashLoop()];
  const tellings = (journal: JournalDraft, played: Played) =>
    found(play(journal, played)).map(({ id, state, openedMs, resolvedMs, sentence }) => ({ id, state, openedMs, resolvedMs, sentence }));
  const expected = journals.map((journal) => tellings(journal, {}));
  expect(expected.map(({ length }) => length)).toEqual([2, 1, 1]);
  fc.assert(
    fc.property(
      fc.nat({ max: 2 }),
      fc.array(fc.integer({ min: 1_000, max: 95_000 }), { maxLength: 3 }),
      fc.constantFrom(500, 1_000, 3_000, 7_000, 20_000),
      fc.constantFrom(0, 2_500, 9_000),
      (which, restartsT, stepMs, lagMs) => {
        const journal = journals[which] ?? unused;
        expect(tellings(journal, { restartsT: restartsT.toSorted((a, b) => a - b), stepMs, lagMs })).toEqual(expected[which]);
      },
    ),
    { numRuns: 40 },
  );
});

test('weeks of a contradiction take no more memory than minutes', () => {
  const sizeAfter = (seconds: number) => {
    const journal = intends(aJournal(), 100, ALL).set(100, ALL);
    ticking(journal, { untilBin: seconds, paths: ['n1'] });
    changes(journal, 20_000, OTHERS);
    for (let t = 30_000; t < seconds * 1_000; t += 20_000) {
      const nodes = ALL.map((node) => ({
        node,
        announcedTo: t % 40_000 === 0 ? ['tor'] : [],
        configuration: 'Valid',
        error: null,
        sessions: [],
      }));
      journal.cluster(t, 'cluster.metallb-status', { vip: 'web', nodes });
    }
    return play(journal, { untilT: seconds * 1_000 }).watch.size;
  };
  expect(sizeAfter(1_500)).toBe(sizeAfter(900));
});
