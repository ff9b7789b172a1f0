import fc from 'fast-check';
import { expect, test } from 'vitest';
import { analyse } from '../../../src/analysis/analyse.ts';
import type { Report, WindowCause } from '../../../src/core/report-format.ts';
import type { FaultMeans } from '../../../src/core/scenario-file.ts';
import { aJournal, type JournalDraft, vipAddress } from '../../support/a-journal.ts';

const ALL = ['n1', 'n2', 'n3'];
const PODS = ['old-1@n1', 'old-2@n2', 'old-3@n3'];

function reportOf(journal: JournalDraft, endT = 20_000): Report {
  return analyse(journal.end(endT)).report;
}

/** Sums over a window: breaks that causes took, and those left over. */
function sumsOf({ causes = [], unexplained = [] }: Report['events'][number]) {
  const attributed = causes.flatMap(({ broken }) => broken).reduce((sum, { share }) => sum + share.count, 0);
  return { attributed, unexplained: unexplained.reduce((sum, { share }) => sum + share.count, 0) };
}

function causesOf(report: Report): WindowCause[] {
  return report.events.flatMap(({ causes = [] }) => causes);
}

/** A pod of each node is replaced, one after the other; n3's successor comes up on n1. */
function aRollout(journal: JournalDraft, vip = 'web'): JournalDraft {
  return journal
    .endpoints(100, PODS, vip)
    .deployment(100, { vip })
    .deployment(4_900, { vip, generation: 2, replicas: 3, updated: 0, available: 3 })
    .deployment(5_000, { vip, generation: 2, replicas: 4, updated: 1, available: 3 })
    .endpoints(5_500, [...PODS, 'new-1@n1'], vip)
    .endpoints(6_000, ['-old-1@n1', 'old-2@n2', 'old-3@n3', 'new-1@n1'], vip)
    .endpoints(6_200, ['old-2@n2', 'old-3@n3', 'new-1@n1'], vip)
    .endpoints(7_500, ['old-2@n2', 'old-3@n3', 'new-1@n1', 'new-2@n1'], vip)
    .endpoints(8_000, ['old-2@n2', '-old-3@n3', 'new-1@n1', 'new-2@n1'], vip)
    .endpoints(8_200, ['old-2@n2', 'new-1@n1', 'new-2@n1'], vip);
}

test('a rollout under Local is told step by step: whose last endpoint went, what left the set, and which share of the living flows broke', () => {
  const journal = aRollout(aJournal({ probes: ['tcp-hold'] }).set(100, ALL));
  const of = (node: string, backend: string) => journal.flows(10, { ingress: node, backend, backendNode: node });
  for (const flow of of('n1', 'old-1')) journal.breaks(flow, 6_010, { breakCause: 'closed' }).maps(flow, 6_400, 'n1');
  of('n2', 'old-2');
  for (const flow of of('n3', 'old-3')) journal.breaks(flow, 8_020, { breakCause: 'closed' }).maps(flow, 8_900, 'n1');
  const [flowOfN2] = of('n2', 'old-2');
  journal.breaks(flowOfN2 ?? '', 8_400).maps(flowOfN2 ?? '', 8_800, 'n1');
  journal.set(8_100, ['n1', 'n2']);
  const report = reportOf(journal);
  const [first, second] = causesOf(report).filter(({ kind }) => kind === 'pod');
  expect(first).toMatchObject({
    t: 6_000,
    what: 'rollout of web, step 1: the pod old-1 on n1 ended',
    effect: null,
    broken: [{ protocol: 'tcp', share: { count: 10, n: 40 }, byCause: { closed: 10 } }],
    evidence: { 'its-pod': 10 },
  });
  expect(second).toMatchObject({
    t: 8_000,
    node: 'n3',
    pod: 'old-3',
    what: 'rollout of web, step 2: n3 lost its last ready endpoint (old-3)',
    effect: 'n3 left the next-hop set of web 0.1 s later',
    broken: [{ protocol: 'tcp', share: { count: 11, n: 30 }, byCause: { closed: 10, reset: 1 } }],
    evidence: { 'its-pod': 10, rehashed: 1 },
  });
  expect(report.events.map(sumsOf)).toEqual([{ attributed: 21, unexplained: 0 }]);
  expect(report.summary).toContain('21 of 40 TCP flows broke in 19 s (rollout of web: 21)');
});

test('under Cluster a pod’s end breaks its flows on every ingress: no window opens, the router is not blamed, and the check says why', () => {
  const journal = aRollout(
    aJournal({ probes: ['tcp-hold'], policy: 'cluster', expect: [{ check: 'broken-elsewhere', max: 0 }], minFlows: 1 }).set(100, ALL),
  );
  for (const ingress of ALL) {
    for (const flow of journal.flows(5, { ingress, backend: 'old-3', backendNode: 'n3' }))
      journal.breaks(flow, 8_050).maps(flow, 8_400, ingress);
    journal.flows(5, { ingress, backend: 'old-2', backendNode: 'n2' });
  }
  const { events, checks, remarks } = reportOf(journal);
  expect(events).toHaveLength(1);
  expect(events[0]?.causes?.find(({ pod }) => pod === 'old-3')).toMatchObject({
    what: 'rollout of web, step 2: n3 lost its last ready endpoint (old-3)',
    effect: null,
    broken: [{ share: { count: 15, n: 30 } }],
  });
  expect(checks[0]).toMatchObject({ verdict: 'deviated', why: 'one is too many; 15 of them because their pod ended' });
  expect(remarks).toContain(
    '15 flows broke although the hop they came in by stayed, because the pod that answered them (old-3 on n3) ended: ' +
      'the router had no part in that, and no other hash would have spared them.',
  );
});

test('a drain names the node that was cordoned, and a cordon alone breaks nobody', () => {
  const journal = aJournal({ probes: ['tcp-hold'] })
    .set(100, ALL)
    .endpoints(100, PODS)
    .clusterNode(100, 'n3');
  journal
    .clusterNode(6_000, 'n3', { unschedulable: true })
    .endpoints(6_200, ['old-1@n1', 'old-2@n2', '-old-3@n3'])
    .endpoints(6_400, ['old-1@n1', 'old-2@n2']);
  for (const flow of journal.flows(4, { ingress: 'n3', backend: 'old-3' })) journal.breaks(flow, 6_150).maps(flow, 6_600, 'n1');
  const rows = causesOf(reportOf(journal.set(6_450, ['n1', 'n2'])));
  expect(rows.map(({ what, effect }) => [what, effect])).toEqual([
    ['n3 was cordoned', null],
    ['drain of n3: n3 lost its last ready endpoint (old-3)', 'n3 left the next-hop set of web 0.3 s later'],
  ]);
});

test('an evicted pod is missing from its Deployment’s counts, and yet no rollout', () => {
  const journal = aJournal().set(100, ALL).endpoints(100, PODS).deployment(100, {}).clusterNode(100, 'n3');
  journal.clusterNode(6_000, 'n3', { unschedulable: true }).deployment(6_100, { replicas: 3, updated: 2, available: 2 });
  journal.endpoints(6_200, ['old-1@n1', 'old-2@n2']).flow({ ingress: 'n1' });
  expect(causesOf(reportOf(journal)).map(({ what }) => what)).toContain('drain of n3: n3 lost its last ready endpoint (old-3)');
});

test('a pod that is terminating and still serves keeps its node’s route; the step is the node’s last once it serves no more', () => {
  const journal = aJournal().set(100, ALL).endpoints(100, PODS);
  journal.endpoints(5_000, ['old-1@n1', 'old-2@n2', '~old-3@n3']).endpoints(12_000, ['old-1@n1', 'old-2@n2', '-old-3@n3']);
  journal.flow({ ingress: 'n1' });
  const [row] = causesOf(reportOf(journal.set(12_100, ['n1', 'n2'])));
  expect(row).toMatchObject({
    t: 5_000,
    what: 'n3 lost its last ready endpoint (old-3)',
    effect: 'n3 left the next-hop set of web 7.1 s later',
  });
});

test('a label that excludes a node explains both its own flows and those that were rehashed, on each VIP apart', () => {
  const journal = aJournal({ probes: ['tcp-hold'], vips: ['web', 'api'] })
    .clusterNode(100, 'n3')
    .clusterNode(6_000, 'n3', { excluded: true });
  for (const [index, vip] of ['web', 'api'].entries()) {
    journal.set(100, ALL, { address: vipAddress(index) }).set(6_080, ['n1', 'n2'], { address: vipAddress(index) });
    for (const flow of journal.flows(3, { ingress: 'n3', vip })) journal.breaks(flow, 6_300).maps(flow, 6_700, 'n1');
  }
  for (const flow of journal.flows(2, { ingress: 'n2', vip: 'web' })) journal.breaks(flow, 6_350).maps(flow, 6_700, 'n1');
  expect(causesOf(reportOf(journal)).map(({ vip, what, effect, evidence }) => ({ vip, what, effect, evidence }))).toEqual([
    {
      vip: 'api',
      what: 'n3 was excluded from load balancers',
      effect: 'n3 left the next-hop set of api 80 ms later',
      evidence: { 'left-hop': 3 },
    },
    {
      vip: 'web',
      what: 'n3 was excluded from load balancers',
      effect: 'n3 left the next-hop set of web 80 ms later',
      evidence: { 'left-hop': 3, rehashed: 2 },
    },
  ]);
});

test('nearness is no evidence: a flow whose pod lives and whose hop stayed is unexplained, and so is one that broke while nobody watched', () => {
  const journal = aJournal({ probes: ['tcp-hold'] })
    .set(100, ALL)
    .endpoints(100, PODS);
  const [near, unseen] = [journal.flow({ backend: 'old-1' }), journal.flow({ backend: 'old-1' })];
  journal.endpoints(6_000, ['old-1@n1', '-old-2@n2', 'old-3@n3']).breaks(near, 6_010).maps(near, 6_400, 'n1');
  journal.cluster(8_000, 'observer.blind', { reason: 'the API server does not answer' }).breaks(unseen, 9_000).maps(unseen, 9_400, 'n1');
  journal.endpoints(12_000, ['old-1@n1', 'old-3@n3']);
  expect(reportOf(journal).events[0]?.unexplained).toMatchObject([
    { vip: 'web', protocol: 'tcp', share: { count: 1, n: 2 }, why: 'no-cause-seen' },
    { share: { count: 1, n: 2 }, why: 'unseen' },
  ]);
});

test('what passed while the observer was blind is dated to that time: a pod that is missing afterwards explains the flows that it took along', () => {
  const journal = aJournal({ probes: ['tcp-hold'] })
    .set(100, ALL)
    .endpoints(100, PODS);
  const flow = journal.flow({ ingress: 'n1', backend: 'old-2' });
  journal.cluster(5_000, 'observer.blind', { reason: 'the API server does not answer' }).breaks(flow, 6_500).maps(flow, 6_900, 'n1');
  expect(reportOf(journal.endpoints(12_000, ['old-1@n1', 'old-3@n3'])).events[0]).toMatchObject({
    causes: [{ pod: 'old-2', t: 12_000, broken: [{ share: { count: 1 } }] }],
    unexplained: [],
  });
});

test('MetalLB’s own reason decides between two happenings of the same moment', () => {
  const journal = aJournal().set(100, ALL).clusterNode(100, 'n3').endpoints(100, PODS);
  const intent = (t: number, reason: string | null) =>
    journal.cluster(t, 'cluster.intent', { vip: 'web', nodes: [{ node: 'n3', advertises: reason === null, reason }] });
  intent(100, null);
  const metallb = { kind: 'BGPAdvertisement', object: 'metallb-system/web', change: 'changed', what: 'nodeSelectors now leave out n3' };
  journal.cluster(6_000, 'cluster.metallb', metallb).clusterNode(6_010, 'n3', { excluded: true });
  intent(6_011, 'noMatchingAdvertisement');
  journal.flow({ ingress: 'n1' });
  const rows = causesOf(reportOf(journal.set(6_100, ['n1', 'n2'])));
  expect(rows.filter(({ effect }) => effect !== null)).toMatchObject([{ what: 'BGPAdvertisement web: nodeSelectors now leave out n3' }]);
});

test('a node that is meant to advertise again before the router has followed is still explained by what took it out', () => {
  const journal = aJournal().set(100, ALL).endpoints(100, PODS);
  const intent = (t: number, reason: string | null) =>
    journal.cluster(t, 'cluster.intent', { vip: 'web', nodes: [{ node: 'n3', advertises: reason === null, reason }] });
  intent(100, null);
  journal.endpoints(6_000, PODS.slice(0, 2));
  intent(6_001, 'noLocalEndpoints');
  journal.endpoints(6_900, [...PODS.slice(0, 2), 'new@n3']);
  intent(6_901, null);
  journal.set(6_200, ['n1', 'n2']).set(7_000, ALL).flow({ ingress: 'n1' });
  expect(causesOf(reportOf(journal)).map(({ what, effect }) => [what, effect])).toEqual([
    ['n3 lost its last ready endpoint (old-3)', 'n3 left the next-hop set of web 0.2 s later'],
    ['n3 has a ready endpoint again (new)', 'n3 joined the next-hop set of web 0.1 s later'],
  ]);
});

test('a set that changes although MetalLB means to advertise is laid to the speaker, else to nothing that was seen', () => {
  const of = (speakerEnds: boolean) => {
    const journal = aJournal().set(100, ALL).clusterNode(100, 'n3');
    const speaker = { node: 'n3', pod: 'metallb-system/speaker-a', exists: true, ready: true, terminating: false };
    journal.cluster(100, 'cluster.intent', { vip: 'web', nodes: [{ node: 'n3', advertises: true, reason: null }] });
    journal.cluster(100, 'cluster.speaker', speaker);
    if (speakerEnds) journal.cluster(6_000, 'cluster.speaker', { ...speaker, terminating: true });
    journal.clusterNode(6_050, 'n3', { excluded: true });
    journal.flow({ ingress: 'n1' });
    const rows = causesOf(reportOf(journal.set(6_100, ['n1', 'n2'])));
    return rows.filter(({ effect, kind }) => effect !== null || kind === 'next-hops').map(({ what }) => what);
  };
  expect(of(true)).toEqual(['the speaker on n3 was told to end (speaker-a)']);
  expect(of(false)).toEqual(['n3 left the next-hop set of web, and nothing that was seen tells why']);
});

test('a fault answers for what came in by its target and for what was answered there, where the cluster has not noticed yet', () => {
  const journal = aJournal({ probes: ['tcp-hold'], policy: 'cluster' })
    .set(100, ALL)
    .endpoints(100, PODS)
    .fault(6_000, 15_000, { kind: 'node-down', headline: 'n2 lost all its links', told: { breaksBy: ['links', 'routes'] } });
  const own = journal.flow({ ingress: 'n2', backend: 'old-1', backendNode: 'n1' });
  const through = journal.flow({ ingress: 'n1', backend: 'old-2', backendNode: 'n2' });
  const other = journal.flow({ ingress: 'n1', backend: 'old-1', backendNode: 'n1' });
  for (const flow of [own, through, other]) journal.breaks(flow, 6_300, { t: 7_900, breakCause: 'stalled' });
  const report = reportOf(journal.set(13_000, ['n1', 'n3']).set(15_500, ALL));
  expect(report.events[1]?.causes).toMatchObject([
    { kind: 'fault', what: 'n2 lost all its links', broken: [{ share: { count: 2 } }], evidence: { 'on-target': 2 } },
  ]);
  expect(report.events.map(sumsOf)).toEqual([
    { attributed: 0, unexplained: 0 },
    { attributed: 2, unexplained: 1 },
    { attributed: 0, unexplained: 0 },
  ]);
});

test('a fault is the cause of no break that its kind cannot bring about; one that did not tell may break by any means, a control by none', () => {
  const explained = (
    target: string,
    breaksBy: readonly FaultMeans[] | null,
    { sets = true, breakCause = 'stalled', isControl = false } = {},
  ) => {
    const journal = aJournal({ probes: ['tcp-hold'], policy: 'cluster', vips: ['web', 'api'] })
      .endpoints(100, PODS)
      .endpoints(100, PODS, 'api');
    if (sets) for (const index of [0, 1]) journal.set(100, ALL, { address: vipAddress(index) });
    const told = { ...(breaksBy && { breaksBy }), ...(target === 'web' && { aimedAt: 'vip' as const }), ...(isControl && { isControl }) };
    journal.fault(6_000, 15_000, { target, headline: 'the fault', told });
    const flows = {
      'in by n2, maps to n2': { onsetT: 6_300, to: 'n2', ingress: 'n2', backendNode: 'n1' },
      'in by n2, maps to n1': { onsetT: 6_300, to: 'n1', ingress: 'n2', backendNode: 'n1' },
      'answered on n2': { onsetT: 6_300, to: 'n1', ingress: 'n1', backendNode: 'n2' },
      'long after': { onsetT: 13_500, to: 'n1', ingress: 'n1', backendNode: 'n1' },
      'of api': { onsetT: 6_300, to: 'n1', ingress: 'n1', backendNode: 'n1', vip: 'api' },
    };
    const named = Object.entries(flows).flatMap(([name, { onsetT, to, ...fields }]) => {
      const of = aJournal();
      of.events.splice(0, of.events.length, ...journal.events);
      const flow = of.flow({ vip: 'web', backend: 'unheard-of', ...fields });
      const causes = causesOf(reportOf(of.breaks(flow, onsetT, { breakCause }).maps(flow, onsetT + 400, to)));
      return causes.some(({ kind, broken }) => kind === 'fault' && broken.some(({ share }) => share.count > 0)) ? [name] : [];
    });
    return named;
  };
  expect(explained('n2', ['links'])).toEqual(['in by n2, maps to n2', 'in by n2, maps to n1', 'answered on n2']);
  expect(explained('n2', ['links'], { breakCause: 'reset' })).toEqual([]); // a dead node sends none
  expect(explained('n2', ['routes'])).toEqual([]); // it stayed a next hop
  expect(explained('n2', ['routes'], { sets: false })).toEqual(['in by n2, maps to n1']);
  expect(explained('n2', ['pods'])).toEqual([]); // no pod ended
  expect(explained('n2', [])).toEqual([]);
  expect(explained('web', ['policy'])).toEqual(['in by n2, maps to n2', 'in by n2, maps to n1', 'answered on n2']);
  expect(explained('web', [])).toEqual([]);
  expect(explained('n2', null)).toEqual(explained('n2', ['links']));
  expect(explained('web', null)).toEqual(explained('web', ['policy']));
  expect(explained('web', null, { isControl: true })).toEqual([]);
});

test('a window that a next-hop set opened by itself says in its heading what in the cluster did it', () => {
  const journal = aJournal({ probes: ['tcp-hold'] })
    .set(100, ALL)
    .endpoints(100, PODS);
  for (const flow of journal.flows(2, { ingress: 'n3', backend: 'old-3' })) journal.breaks(flow, 40_020).maps(flow, 40_500, 'n1');
  journal.endpoints(40_000, ['old-1@n1', 'old-2@n2']).set(40_100, ['n1', 'n2']);
  const { events, summary } = reportOf(journal, 60_000);
  expect(events[1]?.description).toBe('n3 left the next-hop set of web (n3 lost its last ready endpoint (old-3))');
  expect(summary).toContain('2 flows broke when a next-hop set changed by itself (n3 lost its last ready endpoint (old-3): 2)');
});

test('a later change within a window is no explanation of what opened it', () => {
  const journal = aJournal().set(100, ALL).endpoints(100, PODS).set(40_000, ['n1', 'n2']);
  journal.endpoints(50_000, PODS.slice(0, 1)).set(50_100, ['n1']).flow({ ingress: 'n1' });
  expect(reportOf(journal, 60_000).events[1]?.description).toBe('n3 left the next-hop set of web');
});

test('where no cluster is watched a window has no table of causes', () => {
  const journal = aJournal().set(100, ALL);
  journal.breaks(journal.flow(), 5_000);
  expect(reportOf(journal).events[0]).not.toHaveProperty('causes');
});

test('a return after which old 5-tuples time out is not called a dead path where fresh dials are answered', () => {
  const of = (answered: boolean) => {
    const journal = aJournal({ probes: ['tcp-hold'], policy: 'cluster' })
      .set(100, ALL)
      .endpoints(100, PODS)
      .fault(6_000, 14_000)
      .set(6_300, ['n1', 'n3'])
      .set(14_200, ALL);
    for (const flow of journal.flows(6, { ingress: 'n1', openT: 8_000 }))
      journal.breaks(flow, 14_500).of(flow, 14_900, 'flow.mapped', {
        ...{ ingress: null, backend: null, observedSource: null, attempt: 1, tookMs: 1_500, failure: 'timeout' },
      });
    if (answered) for (const bin of [16, 17]) journal.tally(bin, { path: 'n2', ok: 4, fresh: true });
    return reportOf(journal, 30_000);
  };
  expect(of(true).remarks.join(' ')).toContain(
    '6 flows broke after the return of n2, and dialling their 5-tuples again was not answered, while 8 dials from fresh ports were ' +
      'answered by n2: a node keeps the conntrack entries of 5-tuples that it knew, and they stall on those; the path itself answers.',
  );
  expect(of(false).remarks.join(' ')).toContain('no fresh dial was answered there either');
  expect(of(true).events[2]?.unexplained).toMatchObject([{ share: { count: 6, n: 6 }, why: 'unmapped' }]);
});

test('under Cluster a drained node’s route stays and answers: it is not said to meet nobody', () => {
  const journal = aJournal({ probes: ['tcp-hold'], policy: 'cluster' })
    .set(100, ALL)
    .endpoints(100, PODS)
    .fault(6_000, 15_000, { kind: 'node-drain' })
    .endpoints(6_200, ['old-1@n1', 'old-3@n3']);
  const flow = journal.flow({ ingress: 'n2', backend: 'old-2', backendNode: 'n2' });
  journal.breaks(flow, 6_250).maps(flow, 6_600, 'n2').tally(9, { path: 'n2', ok: 3, fresh: true });
  const { remarks, summary } = reportOf(journal);
  expect(remarks.join(' ')).not.toContain('met nobody');
  expect(summary).toContain('1 of 1 TCP flow broke, all of them on n2, all because their pod ended');
});

const someBreak = fc.record({
  ingress: fc.constantFrom(...ALL),
  backend: fc.constantFrom('old-1', 'old-2', 'old-3', 'unheard-of'),
  vip: fc.constantFrom('web', 'api'),
  openT: fc.constantFrom(500, 7_000),
  onsetT: fc.integer({ min: 7_100, max: 18_000 }),
  to: fc.constantFrom(...ALL, null),
});

test('attributed and unexplained together are all breaks, each flow once a window, whatever happened when', () => {
  fc.assert(
    fc.property(
      fc.array(someBreak, { maxLength: 25 }),
      fc.array(fc.integer({ min: 5_000, max: 17_000 }), { maxLength: 4 }),
      (breaks, times) => {
        const journal = aJournal({ probes: ['tcp-hold'], vips: ['web', 'api'] })
          .set(100, ALL)
          .endpoints(100, PODS)
          .clusterNode(100, 'n3')
          .fault(9_000, 14_000);
        for (const [index, t] of times.entries()) {
          if (index % 2 === 0) journal.endpoints(t, PODS.slice(index / 2)).set(t + 100, ALL.slice(index / 2));
          else journal.clusterNode(t, 'n3', { excluded: index === 1 });
        }
        for (const { onsetT, to, openT, ...fields } of breaks) {
          const flow = journal.flow({ ...fields, openT });
          journal.breaks(flow, onsetT).maps(flow, onsetT + 300, to);
        }
        const sums = reportOf(journal).events.map(sumsOf);
        expect(sums.reduce((sum, each) => sum + each.attributed + each.unexplained, 0)).toBe(breaks.length);
      },
    ),
    { numRuns: 60 },
  );
});

test('how long a target was dark is told once for all VIPs that were alike in that', () => {
  const journal = aJournal({ probes: ['tcp-hold'], vips: ['web', 'api'] }).fault(6_000, 14_000);
  for (const [index, vip] of ['web', 'api'].entries()) {
    journal.set(100, ALL, { address: vipAddress(index) }).set(6_300 + index * 200, ['n1', 'n3'], { address: vipAddress(index) });
    journal.breaks(journal.flow({ vip, ingress: 'n2' }), 6_100);
  }
  expect(reportOf(journal).remarks[0]).toBe(
    'n2 was dark for up to 0.4 s, from the first break on it until its route was gone: withdrawing first would have saved only that.',
  );
});

test('a fault that is aimed at a VIP is told by VIP, not as if the VIP were a node', () => {
  const journal = aJournal({ probes: ['tcp-hold'], vips: ['web', 'api'] })
    .set(100, ALL)
    .fault(6_000, 12_000, { target: 'web', kind: 'deployment-rollout', headline: 'the Deployment behind web was rolled out anew' });
  for (const flow of journal.flows(3, { vip: 'web' })) journal.breaks(flow, 6_500).maps(flow, 6_900, 'n1');
  journal.breaks(journal.flow({ vip: 'api' }), 6_500);
  expect(reportOf(journal).summary).toContain('4 of 4 TCP flows broke, 3 of web and 1 of other VIPs');
});
