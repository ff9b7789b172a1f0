import fc from 'fast-check';
import { expect, test } from 'vitest';
import { adviceOf, compareShares } from '../../../src/analysis/policies/advice.ts';
import { comparePolicies } from '../../../src/analysis/policies/compare-policies.ts';
import type { Trial } from '../../../src/analysis/policies/figures.ts';
import { readPolicyRun } from '../../../src/analysis/policies/policy-run.ts';
import { shareOf } from '../../../src/analysis/intervals.ts';
import { comparisonMarkdown, comparisonText } from '../../../src/report/policy-comparison.ts';
import { aJournal, type JournalDraft, vipAddress } from '../../support/a-journal.ts';

const ALL = ['n1', 'n2', 'n3'];
const VIPS = ['web', 'web-cluster', 'web-affinity'];
const NODE_ADDRESS: Record<string, string> = { n1: '10.77.0.11', n2: '10.77.0.12', n3: '10.77.0.13' };

/** Flows on three VIPs: Local answers where it comes in, Cluster on the next node, and the ingress node writes its own address. */
function aTrial({ kind = 'bgp-session-down', target = 'n2' } = {}): {
  journal: JournalDraft;
  on: (vip: string, ingress: string) => string[];
} {
  const journal = aJournal({ probes: ['tcp-hold'], vips: VIPS }).fault(6_000, 14_000, { kind, target });
  const flows = new Map<string, string[]>();
  for (const [index, vip] of VIPS.entries()) {
    const isLocal = vip === 'web';
    journal.cluster(50, 'cluster.service', {
      ...{ vip, service: `default/${vip}`, exists: true, addresses: [vipAddress(index)] },
      ...{ policy: isLocal ? 'local' : 'cluster', affinity: vip === 'web-affinity' ? 'client-ip' : 'none' },
    });
    journal.deployment(60, { vip }).endpoints(60, ['a@n1', 'b@n2', 'c@n3'], vip);
    journal.set(100, ALL, { address: vipAddress(index) });
    for (const [place, ingress] of ALL.entries()) {
      const backendNode = isLocal ? ingress : (ALL[(place + 1) % 3] ?? '');
      const identity = { backend: `pod-${backendNode}`, backendNode, ...(!isLocal && { observedSource: NODE_ADDRESS[ingress] ?? '' }) };
      flows.set(`${vip} ${ingress}`, journal.flows(40, { vip, ingress, ...identity }));
    }
  }
  return { journal, on: (vip, ingress) => flows.get(`${vip} ${ingress}`) ?? [] };
}

/** Every VIP loses the node 80 ms after the fault, with its flows, and has it back 90 ms after the revert. */
function aLoss(trial: Trial, { spread = 0 } = {}) {
  const { journal, on } = aTrial();
  for (const [index, vip] of VIPS.entries()) {
    journal.set(6_080, ['n1', 'n3'], { address: vipAddress(index) }).set(14_090, ALL, { address: vipAddress(index) });
    for (const flow of on(vip, 'n2')) journal.breaks(flow, 6_200).maps(flow, 6_600, 'n1');
    if (vip !== 'web') for (const flow of on(vip, 'n1').slice(0, spread)) journal.breaks(flow, 6_300).maps(flow, 6_700, 'n1');
    for (const flow of journal.flows(10, { vip, ingress: 'n1', openT: 8_000 }).slice(0, 3))
      journal.breaks(flow, 14_300).maps(flow, 14_700, 'n2');
  }
  return readPolicyRun(trial, journal.end(30_000));
}

test('a run gives each VIP its figures: who answered whom, with which address, over how many hops', () => {
  const { vips } = aLoss('session-loss');
  expect(vips[0]).toMatchObject({
    vip: 'web',
    policy: 'local',
    hasAffinity: false,
    flows: 120,
    sourcePreserved: { count: 120 },
    extraHop: { count: 0, n: 120 },
  });
  expect(vips[2]).toMatchObject({
    policy: 'cluster',
    hasAffinity: true,
    byNode: ALL.map((name) => ({ name, flows: 40 })),
    podsOfAClient: { fewest: 1, most: 1 },
    sourcePreserved: { count: 0, n: 120 },
    rewrittenByIngress: 120,
    extraHop: { count: 120, n: 120 },
  });
});

test('a loss and a return are told apart, and of a return the flows that are older than the outage', () => {
  const [web] = aLoss('session-loss').figures;
  expect(web).toMatchObject({
    node: 'n2',
    loss: { broken: { count: 40, n: 120 }, byCause: { reset: 40 }, route: { kind: 'changed', afterMs: 80 } },
    back: { route: { kind: 'changed', afterMs: 90 }, older: { count: 0, n: 80 }, younger: { count: 3, n: 10 } },
  });
});

test('a rollout counts for every VIP whose pods it replaced, and for no other', () => {
  const { journal } = aTrial({ kind: 'deployment-rollout', target: 'web' });
  journal.cluster(70, 'cluster.deployment', {
    ...{ vip: 'web-cluster', deployment: 'default/web', exists: true, generation: 1, observedGeneration: 1 },
    ...{ replicas: 3, updated: 3, ready: 3, available: 3 },
  });
  const run = readPolicyRun('rollout', journal.end(30_000));
  expect(run.rolledOut).toEqual(['web', 'web-cluster']);
  expect(run.figures.map(({ vip, node }) => [vip, node])).toEqual([
    ['web', null],
    ['web-cluster', null],
  ]);
});

test('the table has a row a question and a cell a VIP, as text and as Markdown', () => {
  const comparison = comparePolicies([aLoss('session-loss'), aLoss('link-cut', { spread: 30 })]);
  const advice = adviceOf(comparison);
  const markdown = comparisonMarkdown(comparison, advice);
  expect(markdown).toContain('| policy | Local | Cluster | Cluster + ClientIP |');
  expect(markdown).toContain('| route gone: BGP session lost | gone after 80 ms | gone after 80 ms | gone after 80 ms |');
  expect(markdown).toContain('| broken: node lost (links cut) | 40 of 120 (25.5–42.2%): 40 reset | 70 of 120 (49.4–66.8%): 70 reset |');
  expect(markdown).toContain('| broken by the return: BGP session lost | younger 3 of 10 (10.8–60.3%), older 0 of 80 (0–4.6%) |');
  expect(
    Math.max(
      ...comparisonText(comparison, advice, 100)
        .split('\n')
        .map((line) => line.length),
    ),
  ).toBeLessThanOrEqual(100);
});

test('advice follows from the figures, and says which', () => {
  const advice = adviceOf(comparePolicies([aLoss('session-loss'), aLoss('link-cut', { spread: 30 })]));
  const answers = new Map(advice.map(({ claim, answer }) => [claim, answer]));
  expect(answers.get('sessionAffinity: ClientIP saves established flows when a node goes')).toBe('cannot-tell');
  expect(answers.get('Under Cluster all nodes always advertise')).toBe('does-not-hold');
  expect(answers.get('A lost node costs fewer flows under Local than under Cluster')).toBe('holds');
  expect(answers.get('Local keeps the client’s address, Cluster does not')).toBe('holds');
  expect(answers.get('A node’s return is free')).toBe('does-not-hold');
  expect(answers.has('Under Cluster a rollout is harmless, since no route changes')).toBe(false);
  expect(advice.every(({ restsOn }) => restsOn.length > 0)).toBe(true);
});

test('few clients make few choices of pods: with affinity nothing is concluded from them, whatever their flows say', () => {
  const comparison = comparePolicies([aLoss('link-cut', { spread: 40 })]);
  const [web, cluster, affinity] = comparison.vips;
  if (!web || !cluster || !affinity) throw new Error('three VIPs are compared');
  const fewer = comparison.trials.map((each) =>
    each.vip === affinity.vip && each.loss ? { ...each, loss: { ...each.loss, broken: shareOf(1, 120) } } : each,
  );
  const answerWith = (podChoices: number) =>
    adviceOf({ ...comparison, trials: fewer, vips: [web, cluster, { ...affinity, podChoices }] }).find(({ claim }) =>
      claim.startsWith('sessionAffinity'),
    );
  expect(affinity.podChoices).toBe(3);
  expect(answerWith(3)).toMatchObject({ answer: 'cannot-tell', text: expect.stringContaining('only 3 such choices') as string });
  expect(answerWith(100)?.answer).toBe('holds');
});

test('a run that broke off is told as one, and gives way to one that did not', () => {
  const { journal } = aTrial();
  const cut = readPolicyRun('session-loss', journal.add(9_000, 'run.aborted', { why: 'the prober at v1 has been ill for 3 s' }).sorted());
  const comparison = comparePolicies([aLoss('session-loss'), cut]);
  expect(comparison.troubles).toMatchObject([{ trial: 'session-loss', trouble: expect.stringContaining('ill for 3 s') as string }]);
  expect(comparison.trials[0]?.loss?.broken.count).toBe(40);
});

/** The run of another trial, whose router was seen to do what `tell` says. */
function aQuietLoss(tell: (journal: JournalDraft) => void) {
  const { journal } = aTrial();
  tell(journal);
  return readPolicyRun('session-loss', journal.end(30_000));
}

test('a route stays only where the router had it and was read all the time: what nobody saw is unknown', () => {
  const routeOf = (tell: (journal: JournalDraft) => void) => aQuietLoss(tell).figures[0]?.loss?.route;
  const blind = (t: number) => (journal: JournalDraft) =>
    journal.add(t, 'observer.blind', { observer: 'routes', reason: 'gone' }, 'observer:tor');
  expect(routeOf(() => undefined)).toEqual({ kind: 'kept' });
  expect(routeOf(blind(5_000))).toEqual({ kind: 'unknown' });
  expect(routeOf(blind(7_000))).toEqual({ kind: 'unknown' });
  expect(routeOf((journal) => journal.set(200, ['n1', 'n3']))).toEqual({ kind: 'unknown' });
  expect(routeOf((journal) => blind(7_000)(journal).set(9_000, ['n1', 'n3']))).toEqual({ kind: 'unknown' });
  expect(routeOf((journal) => blind(9_000)(journal.set(7_000, ['n1', 'n3'])))).toEqual({ kind: 'changed', afterMs: 1_000 });
});

test('that every node always advertises is said of the trials that saw it, and of none where a route is unknown', () => {
  const answerOf = (run: ReturnType<typeof aQuietLoss>) =>
    adviceOf(comparePolicies([run])).find(({ claim }) => claim === 'Under Cluster all nodes always advertise');
  expect(answerOf(aQuietLoss(() => undefined))).toMatchObject({
    answer: 'holds',
    text: 'web-cluster kept every node in BGP session lost.',
  });
  const blind = aQuietLoss((journal) => journal.add(7_000, 'observer.blind', { observer: 'routes', reason: 'gone' }, 'observer:tor'));
  expect(answerOf(blind)).toMatchObject({
    answer: 'cannot-tell',
    text: 'What became of the route in BGP session lost is not known.',
  });
});

test('a node without a pod answers with those of others only where dials through it were answered', () => {
  const { vips, trials, troubles } = comparePolicies([aQuietLoss(() => undefined)]);
  const evicted = (answeredWithoutPods: number) =>
    trials.map((each) => ({ ...each, trial: 'drain-evict-first' as const, answeredWithoutPods }));
  const gone = comparePolicies([aLoss('session-loss')]).trials;
  const textOf = (answered: number) =>
    adviceOf({ vips, troubles, trials: [...gone, ...evicted(answered)] }).find(({ claim }) => claim.startsWith('Under Cluster all'))?.text;
  expect(textOf(0)).toBe('A node left the set of web-cluster in BGP session lost.');
  expect(textOf(9)).toContain('a node without a pod stayed, and answered with the pods of others');
});

test('a return that was none breaks nothing and frees nobody: neither the rule nor the row counts it', () => {
  const run = aQuietLoss((journal) => {
    for (const vip of VIPS) journal.flows(60, { vip, ingress: 'n1', openT: 8_000 });
  });
  const comparison = comparePolicies([run]);
  const advice = adviceOf(comparison);
  expect(advice.map(({ claim }) => claim)).not.toContain('A node’s return is free');
  expect(comparisonMarkdown(comparison, advice)).toContain(
    '| broken by the return: BGP session lost | none seen: its route was there | none seen: its route was there | none seen: its route was there |',
  );
});

test('a fault that was lost or never in force makes its run no whole one: no advice rests on it, and the table says so', () => {
  const fault = { fault: 'f1', kind: 'bgp-session-down', target: 'n2', epoch: 1 };
  const lost = aQuietLoss((journal) => journal.add(9_000, 'fault.lost', { ...fault, reason: 'the session is up' }, 'keeper'));
  expect(lost.trouble).toBe('bgp-session-down at n2 was lost: the session is up');
  const never = aQuietLoss((journal) =>
    journal.events.splice(0, journal.events.length, ...journal.events.filter(({ type }) => type !== 'fault.in-force')),
  );
  expect(never.trouble).toBe('bgp-session-down at n2 was never in force');
  const comparison = comparePolicies([lost]);
  expect(adviceOf(comparison)).toEqual([]);
  expect(comparisonMarkdown(comparison, [])).toContain('| broken: BGP session lost | 0 of 120 (0–3.1%) [run not whole] |');
});

test('with affinity a client and a node are one sample: shares are as uncertain as these are few', () => {
  const { vips, figures } = aLoss('session-loss');
  const [, cluster, affinity] = figures;
  expect(affinity?.loss?.broken).toMatchObject({ count: 40, n: 120 });
  expect(affinity?.loss?.broken.high).toBeCloseTo(shareOf(1, 3).high, 10);
  expect(cluster?.loss?.broken).toEqual(shareOf(40, 120));
  expect(vips[2]?.extraHop.low).toBeCloseTo(shareOf(3, 3).low, 10);
});

test('a VIP without a flow tells nothing of pods, and its cells are unknown', () => {
  const { journal } = aTrial();
  journal.events.splice(0, journal.events.length, ...journal.events.filter(({ type }) => type !== 'flow.opened'));
  const comparison = comparePolicies([readPolicyRun('session-loss', journal.end(30_000))]);
  expect(comparison.vips.map(({ podsOfAClient }) => podsOfAClient)).toEqual([null, null, null]);
  expect(comparisonMarkdown(comparison, [])).toContain('| pods that one client met by one node | unknown | unknown | unknown |');
});

test('a run in which many flows could not be opened is no whole one', () => {
  const { journal } = aTrial();
  journal.add(950, 'vantage.ready', { vantage: 'v2', addresses: [], clockErrMs: 0, opened: 90, failed: 30 }, 'prober:v2');
  expect(readPolicyRun('session-loss', journal.end(30_000)).trouble).toBe('30 of 120 flows could not be opened');
});

test('two shares are told apart only where their intervals do not touch, and the same from both sides', () => {
  const share = fc.tuple(fc.nat(500), fc.nat(500)).map(([a, b]) => shareOf(Math.min(a, b), Math.max(a, b)));
  const mirrored = { less: 'more', more: 'less', 'cannot-tell': 'cannot-tell' } as const;
  fc.assert(
    fc.property(share, share, (a, b) => {
      const order = compareShares(a, b);
      expect(compareShares(b, a)).toBe(mirrored[order]);
      if (order === 'less') expect(a.count / a.n).toBeLessThan(b.count / b.n);
      if (a.n === 0 || (a.count === b.count && a.n === b.n)) expect(order).toBe('cannot-tell');
    }),
  );
});
