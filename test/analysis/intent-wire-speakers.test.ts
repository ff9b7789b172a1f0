// Intent against wire where a node's speaker cannot advertise: whether that is the fault, or an excuse.
import { describe, expect, test } from 'vitest';
import { differences } from '../../src/analysis/intent-wire-words.ts';
import { aJournal, type JournalDraft } from '../support/a-journal.ts';
import { contextOf, Player, ticking } from './monitor/a-watch.ts';
import { ALL, CONTEXT, dials, doubtsOf, intends, kinds, wireOf } from '../support/intent-wire.ts';

function speaker(journal: JournalDraft, t: number, node: string, state: { exists?: boolean; ready?: boolean; terminating?: boolean } = {}) {
  const pod = `metallb-system/speaker-${node}`;
  return journal.cluster(t, 'cluster.speaker', { node, pod, exists: true, ready: true, terminating: false, ...state });
}

/** All of `nodes` Ready, a ready speaker on each of `speakers`, and the router's set. */
function clusterOf(speakers: readonly string[], set: readonly string[] = ['n1', 'n3'], nodes: readonly string[] = ALL): JournalDraft {
  const journal = intends(aJournal(), 100, ALL).set(100, set);
  for (const node of nodes) journal.clusterNode(100, node);
  for (const node of speakers) speaker(journal, 100, node);
  return journal;
}

describe('a path is missing', () => {
  test('of a node on which no speaker runs, and since when nobody saw: that is the fault, and the finding says so', () => {
    const [part] = wireOf(dials(clusterOf(['n1', 'n3']), 1_000, { n1: 4, n3: 4 })).parts;
    expect(part?.doubts).toEqual([]);
    const [told] = differences(part?.rows ?? [], part?.findings ?? [], CONTEXT);
    expect(told).toMatchObject({
      kind: 'missing',
      node: 'n2',
      claim: 'n2 should advertise web, and tor has no path by it: no speaker runs on it',
    });
    expect(told?.look).toMatch(/^why no speaker is put on n2 .*taints/);
  });

  test.each([
    ['was taken away', () => speaker(clusterOf(ALL), 5_000, 'n2', { terminating: true })],
    ['is still to come: the node joined', () => clusterOf(['n1', 'n3'], ['n1', 'n3'], ['n1', 'n3']).clusterNode(5_000, 'n2')],
    [
      'is still to come: the node was not Ready',
      () => clusterOf(['n1', 'n3'], ['n1', 'n3'], []).clusterNode(100, 'n2', { ready: 'False' }).clusterNode(5_000, 'n2'),
    ],
  ])('of a node whose speaker %s within the time that is seen: a doubt', (_, journalOf) => {
    const wire = wireOf(journalOf());
    expect(kinds(wire)).toEqual([]);
    expect(doubtsOf(wire)).toContain('n2 should advertise, and there is no path by it: no speaker runs on the node');
  });

  test('of a node that is not Ready: a doubt, whatever is known of its speaker', () => {
    const wire = wireOf(clusterOf([]).clusterNode(5_000, 'n2', { ready: 'Unknown' }));
    expect(kinds(wire)).toEqual([]);
    expect(doubtsOf(wire)).toContain('n2 should advertise, and there is no path by it: the node is not Ready');
  });

  test('of a node whose speaker is there and not ready: that is the fault, and it is said first', () => {
    const journal = speaker(clusterOf(['n1', 'n3']), 100, 'n2', { ready: false });
    const [part] = wireOf(journal).parts;
    expect(part?.findings).toMatchObject([{ kind: 'missing', node: 'n2' }]);
    const [told] = differences(part?.rows ?? [], part?.findings ?? [], CONTEXT);
    expect(told?.what).toBe('n2 should advertise web, and tor has no path by it. Its speaker is not ready.');
    expect(told?.look).toMatch(/^the speaker on n2/);
  });

  test('of a node whose speaker is ready, or where nobody watches the speakers', () => {
    expect(kinds(wireOf(clusterOf(ALL)))).toEqual(['missing n2 router']);
    expect(kinds(wireOf(clusterOf([])))).toEqual(['missing n2 router']);
  });

  test('of a node whose speaker has just been replaced: a doubt for a minute', () => {
    const replaced = speaker(clusterOf(ALL), 9_000, 'n2', { terminating: true }).cluster(12_000, 'cluster.speaker', {
      node: 'n2',
      pod: 'metallb-system/speaker-new',
      exists: true,
      ready: false,
      terminating: false,
    });
    const wire = wireOf(replaced);
    expect(kinds(wire)).toEqual([]);
    expect(doubtsOf(wire)).toContain(
      'n2 should advertise, and there is no path by it: the node or its speaker has been there for less than a minute',
    );
  });

  test('from flows alone, of a node that the router sends them to: no state of the node excuses that', () => {
    const journal = clusterOf(ALL, ALL).clusterNode(5_000, 'n2', { ready: 'Unknown' });
    expect(kinds(wireOf(dials(journal, 1_000, { n1: 4, n3: 4 })))).toEqual(['missing n2 flows']);
  });
});

test('a monitor finds nothing in a node that reboots, nor in one that joins; a path that lacks a minute later it finds', () => {
  const four = [...ALL, 'n4'];
  const advertisers = (journal: JournalDraft, t: number, nodes: readonly string[]) =>
    journal.cluster(t, 'cluster.intent', { vip: 'web', nodes: nodes.map((node) => ({ node, advertises: true, reason: null })) });
  const watched = (returnT: number) => {
    const journal = advertisers(clusterOf([], ALL), 100, ALL);
    ticking(journal, { untilBin: 300, paths: ['unknown'] });
    for (const node of ALL) speaker(journal, 100, node);
    speaker(journal, 19_000, 'n2', { exists: false, ready: false }).clusterNode(20_000, 'n2', { ready: 'False' });
    journal.set(20_000, ['n1', 'n3']).set(22_000, ['n1', 'n3'], { settled: true });
    speaker(journal.clusterNode(80_000, 'n2'), 85_000, 'n2').set(returnT, ALL);
    journal.set(returnT + 2_000, ALL, { settled: true });
    advertisers(journal.clusterNode(150_000, 'n4'), 150_000, four);
    speaker(journal, 205_000, 'n4').set(210_000, four).set(212_000, four, { settled: true });
    return new Player(contextOf(journal.events)).play(journal.sorted(), { untilT: 300_000 }).of('path-not-as-intended');
  };
  expect(watched(90_000)).toEqual([]);
  expect(watched(190_000)).toMatchObject([{ subject: 'n2', state: 'resolved' }]);
}, 30_000);

test('a monitor waits ten minutes for a speaker to be put on a Ready node, and then says that none is', () => {
  const opened = (journal: JournalDraft, untilS: number) => {
    ticking(journal, { untilBin: untilS, paths: ['unknown'] });
    const player = new Player(contextOf(journal.events)).play(journal.sorted(), { untilT: untilS * 1_000 });
    return player.told.filter(({ finding }) => finding.kind === 'path-not-as-intended').map(({ atT, finding }) => ({ atT, ...finding }));
  };
  const [never] = opened(clusterOf(['n1', 'n3']), 640);
  expect(never).toMatchObject({ subject: 'n2', sentence: expect.stringMatching(/no speaker runs on it/) as string });
  expect(never?.atT).toBeGreaterThan(600_000);
  // The word that it is gone is older than what else is kept.
  const taken = speaker(speaker(clusterOf(ALL, ALL), 200_000, 'n2', { terminating: true }), 201_000, 'n2', { exists: false, ready: false });
  const [gone] = opened(taken.set(201_000, ['n1', 'n3']).set(203_000, ['n1', 'n3'], { settled: true }), 840);
  expect(gone?.atT).toBeGreaterThan(800_000);
}, 60_000);
