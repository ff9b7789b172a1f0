import { expect, test } from 'vitest';
import { aJournal, type JournalDraft } from '../../support/a-journal.ts';
import { contextOf, Player, ticking } from './a-watch.ts';

const ALL = ['n1', 'n2', 'n3'];
const PODS = ['old-1@n1', 'old-2@n2', 'old-3@n3'];

/** Ten flows that the pod old-3 answers break as it goes. */
function aLostPod(journal: JournalDraft, ingress: string): JournalDraft {
  ticking(journal, { untilBin: 60 });
  ALL.flatMap((node) => journal.flows(20, { ingress: node, backend: 'old-1' }));
  for (const flow of journal.flows(10, { ingress, backend: 'old-3', backendNode: 'n3' })) {
    journal.breaks(flow, 20_000).maps(flow, 20_300, 'n1');
    journal.flow({ ingress: 'n1', openT: 20_050, replaces: flow });
  }
  return journal.endpoints(20_100, PODS.slice(0, 2));
}

function play(journal: JournalDraft, { restartT = 0 } = {}): Player {
  const player = new Player(contextOf(journal.events));
  if (restartT > 0) player.play(journal.sorted(), { untilT: restartT }).restart();
  return player.play(journal.sorted(), { untilT: 50_000 });
}

test('a burst under Cluster names the pod whose end it was, also after a restart of the service', () => {
  const journal = aLostPod(aJournal({ policy: 'cluster' }).set(100, ALL).endpoints(100, PODS), 'n2');
  for (const restartT of [0, 15_000, 22_000]) {
    expect(play(journal, { restartT }).last()).toMatchObject([
      {
        kind: 'break-burst',
        sentence:
          '10 of 70 TCP flows broke, all of them on n2 (10 reset), cause: n3 lost its last ready endpoint (old-3), ' +
          'while the next-hop set of web stayed.',
        windows: [{ causes: [{ pod: 'old-3' }], unexplained: [] }],
      },
    ]);
  }
});

test('a set that changed names the drain that changed it', () => {
  const journal = aJournal().set(100, ALL).endpoints(100, PODS).clusterNode(100, 'n3').clusterNode(19_500, 'n3', { unschedulable: true });
  const [finding] = play(aLostPod(journal, 'n3').set(20_200, ['n1', 'n2'])).of('next-hops-changed');
  expect(finding?.sentence).toContain(
    'n3 left the next-hop set of web: 10 of 70 TCP flows broke, all of them on n3 (10 reset), cause: drain of n3',
  );
});

test('a sentence of a monitor counts causes of no flow that opened within its window', () => {
  const journal = aLostPod(aJournal({ policy: 'cluster' }).set(100, ALL).endpoints(100, PODS), 'n2');
  for (const flow of journal.flows(5, { ingress: 'n2', backend: 'old-3', openT: 20_040 }))
    journal.breaks(flow, 20_090).maps(flow, 20_400, 'n1');
  const stray = journal.flow({ ingress: 'n1', backend: 'old-1', openT: 20_040 });
  const [finding] = play(journal.breaks(stray, 20_200).maps(stray, 20_600, 'n1')).last();
  expect(finding?.sentence).toContain(
    '10 of 70 TCP flows broke, all of them on n2 (10 reset), cause: n3 lost its last ready endpoint (old-3),',
  );
  expect(finding?.windows[0]?.unexplained).toHaveLength(1);
});

test('objects that are gone since long are not kept, and a speaker that took another’s place is', () => {
  const after = (objects: number) => {
    const journal = aJournal().set(100, ALL).endpoints(100, PODS);
    ticking(journal, { untilBin: 300 });
    const speaker = (t: number, pod: string, exists: boolean) =>
      journal.cluster(t, 'cluster.speaker', { node: 'n3', pod, exists, ready: exists, terminating: false });
    speaker(100, 'metallb-system/speaker-0', true);
    for (let index = 0; index < objects; index += 1) {
      const t = 1_000 * (index + 1);
      const metallb = { kind: 'BGPAdvertisement', object: `metallb-system/ad-${String(index)}`, what: '' };
      journal.cluster(t, 'cluster.metallb', { ...metallb, change: 'changed' });
      journal.cluster(t + 100, 'cluster.metallb', { ...metallb, change: 'gone' });
      speaker(t, `metallb-system/speaker-${String(index + 1)}`, true);
      speaker(t + 100, `metallb-system/speaker-${String(index)}`, false);
    }
    journal.flow();
    return new Player(contextOf(journal.events)).play(journal.sorted(), { untilT: 300_000 }).watch.size;
  };
  expect(after(100)).toBe(after(0));
});

test('what the cluster told long ago is kept only as far as it still stands', () => {
  const sizeAfter = (everyMs: number) => {
    const journal = aJournal().set(100, ALL).endpoints(100, PODS);
    ticking(journal, { untilBin: 300 });
    for (let t = 1_000; t < 200_000; t += everyMs) journal.endpoints(t, PODS.slice(0, 2 + ((t / everyMs) % 2)));
    journal.flow();
    return new Player(contextOf(journal.events)).play(journal.sorted(), { untilT: 300_000 }).watch.size;
  };
  expect(sizeAfter(500)).toBe(sizeAfter(50_000));
});
