// Reports to look at: a run simulated by RFC 2992's arithmetic, as the analysis would tell it, and variants of it.
import { OUTCOMES, type FlowOutcome, type Ledger, type Outcome, type Report, type Share } from '../../src/core/report-format.ts';
import { END_MS, FAULT_MS, INTERVAL_MS, RETURN_MS, simulateFlows, type RunShape } from './some-flows.ts';

export type SimulatedRun = { report: Report; flows: FlowOutcome[] };

const SECONDS = END_MS / 1_000;
const STEP_MS = 100;

/** Wilson's 95 % interval, written here a second time on purpose: fixtures do not import what they help to test. */
export function aShare(count: number, n: number): Share {
  if (n === 0) return { count, n, low: 0, high: 1 };
  const z = 1.959964;
  const p = count / n;
  const middle = (p + (z * z) / (2 * n)) / (1 + (z * z) / n);
  const half = (z / (1 + (z * z) / n)) * Math.sqrt((p * (1 - p)) / n + (z * z) / (4 * n * n));
  return { count, n, low: count === 0 ? 0 : middle - half, high: count === n ? 1 : middle + half };
}

/** A hop leaves at 5 s and returns at 13 s; hash-threshold, so every flow's place is told by one number in 0..1. */
export function simulateRun(shape: Partial<RunShape> = {}): SimulatedRun {
  const run: RunShape = {
    nodes: ['n1', 'n2', 'n3'],
    vantages: ['v1', 'v2'],
    count: 256,
    deadHop: 1,
    breakCause: 'reset',
    backendOf: (node) => `web-${node}`,
    ...shape,
  };
  const flows = simulateFlows(run);
  const dead = run.nodes[run.deadHop] ?? '';
  const alive = run.nodes.filter((node) => node !== dead);
  const ledgers = (event: number) => ledgersOf(flows.filter((flow) => flow.event === event));
  const count = (event: number, match: (flow: FlowOutcome) => boolean) =>
    flows.filter((flow) => flow.event === event && match(flow)).length;
  const tcp = count(1, (flow) => flow.protocol === 'tcp');
  const broken = count(1, (flow) => flow.broken);
  const elsewhere = count(1, (flow) => flow.outcome === 'moved-broken');
  const notDead = count(1, (flow) => flow.protocol === 'tcp' && flow.outcome !== 'on-dead-hop');
  const nextHops = (before: string[], after: string[]) => [{ router: 'tor', vip: 'web', before, after, from: 'observer' as const }];
  const report: Report = {
    schema: 1,
    runId: '20260314-031500-bgp-session-drop',
    title: 'One node loses its BGP session',
    scenario: 'bgp-session-drop',
    environment: 'three-nodes',
    wallClockMs: Date.UTC(2026, 2, 14, 3, 15),
    durationMs: END_MS + 1_250,
    seed: 7,
    versions: { holdfast: '0.1.0', node: '24.21.0', frr: '8.4.4' },
    verdict: elsewhere > 0 ? 'deviated' : 'held',
    summary:
      `${dead} lost its BGP session: ${thousands(broken)} of ${thousands(tcp)} TCP flows broke, ` +
      (elsewhere > 0 ? `${thousands(elsewhere)} of them on other nodes` : `all of them on ${dead}`) +
      '; paths were whole again 0.9 s after the fault ended.',
    remarks:
      elsewhere > 0
        ? [
            `Withdrawing ${dead} first would have saved only the 0.4 s in which its path was dark: the rehash breaks the same flows.`,
            'A resilient next-hop group, or a middle hop, would have spared the flows on other nodes.',
          ]
        : [`The return of ${dead} broke ${thousands(count(2, (flow) => flow.broken))} flows that had been opened while it was away.`],
    checks: [
      {
        check: 'broken-elsewhere',
        vip: 'web',
        vantage: 'v1',
        protocol: 'tcp',
        during: 'fault',
        expected: 'max 0',
        observed: `${thousands(elsewhere)} of ${thousands(notDead)}`,
        share: aShare(elsewhere, notDead),
        verdict: elsewhere > 0 ? 'deviated' : 'held',
        why:
          elsewhere > 0
            ? `${thousands(elsewhere)} flows on nodes that never failed were rehashed and broke`
            : `no flow broke outside ${dead}, and ${thousands(notDead)} flows are enough to say so`,
      },
      {
        check: 'source-ip',
        vip: 'web',
        vantage: 'v1',
        protocol: 'udp',
        expected: 'preserved',
        observed: `preserved on ${thousands(run.count)} of ${thousands(run.count)}`,
        share: aShare(run.count, run.count),
        verdict: 'held',
        why: 'the responder saw the address that the prober sent from',
      },
      {
        check: 'path-availability',
        vip: 'web',
        vantage: 'v2',
        protocol: 'tcp',
        during: 'recovery',
        expected: 'min 99%',
        observed: '99.94% on n1',
        share: { count: 19_988, n: 20_000, low: 0.9989, high: 0.9998 },
        verdict: 'held',
        why: 'the worst path of the settled set',
      },
      {
        check: 'restored',
        vip: 'web',
        expected: 'within 10s',
        observed: '0.9s',
        verdict: 'held',
        why: 'the baseline set and a whole good second',
      },
    ],
    events: [
      {
        fromT: 0,
        untilT: FAULT_MS,
        eventCause: 'baseline',
        phase: 'baseline',
        description: 'nothing was broken on purpose',
        nextHops: nextHops(run.nodes, run.nodes),
        ledgers: ledgers(0),
      },
      {
        fromT: FAULT_MS,
        untilT: RETURN_MS,
        eventCause: 'fault-in',
        phase: 'fault',
        fault: 'f1',
        description: `bgp-session-down on ${dead}`,
        nextHops: nextHops(run.nodes, alive),
        ledgers: ledgers(1),
      },
      {
        fromT: RETURN_MS,
        untilT: END_MS,
        eventCause: 'fault-out',
        phase: 'recovery',
        fault: 'f1',
        description: `bgp-session-down on ${dead} was reverted`,
        nextHops: nextHops(alive, run.nodes),
        ledgers: ledgers(2),
      },
    ],
    matrix: matrixOf(flows),
    finalMap: finalMapOf(flows),
    sourceIp: run.vantages.flatMap((vantage) =>
      run.nodes.map((ingress) => ({
        vantage,
        vip: 'web',
        policy: 'local',
        family: 4 as const,
        ingress,
        verdict: 'preserved' as const,
        rewrittenBy: null,
        flows: flows.filter((flow) => flow.event === 0 && flow.vantage === vantage && flow.ingressBefore === ingress).length,
      })),
    ),
    paths: pathsOf(run, dead),
    interruptions: run.vantages.flatMap((vantage) => [
      { event: 1, vantage, vip: 'web', protocol: 'tcp', p50Ms: 212, p99Ms: 404, maxMs: 431, n: Math.floor(run.count / 3) },
      { event: 1, vantage, vip: 'web', protocol: 'udp', p50Ms: 198, p99Ms: 390, maxMs: 397, n: Math.floor(run.count / 3) },
      { event: 2, vantage, vip: 'web', protocol: 'tcp', p50Ms: 205, p99Ms: 610, maxMs: 624, n: Math.floor(run.count / 9) },
    ]),
    faults: [
      {
        id: 'f1',
        kind: 'bgp-session-down',
        target: dead,
        plannedForMs: RETURN_MS - FAULT_MS,
        inForceT: FAULT_MS + 71,
        revertedT: RETURN_MS + 43,
        state: 'verified',
      },
    ],
    health: run.vantages.map((vantage, index) => ({
      vantage,
      invalidBins: index,
      bins: SECONDS,
      reasons: index === 0 ? {} : { 'stalled for 132 ms': 1 },
      clockErrMs: 0,
    })),
    timeline: timelineOf(flows, { run, alive, dead }),
  };
  return { report, flows };
}

function thousands(n: number): string {
  return String(n).replace(/\B(?=(\d{3})+$)/g, ',');
}

function grouped<Item>(items: readonly Item[], keyOf: (item: Item) => string): Item[][] {
  return [...Map.groupBy(items, keyOf).entries()].sort(([a], [b]) => (a < b ? -1 : 1)).map(([, group]) => group);
}

function ledgersOf(flows: FlowOutcome[]): Ledger[] {
  return grouped(flows, (flow) => `${flow.vantage} ${flow.protocol}`).map((group) => {
    const [first] = group;
    const share = (outcome: Outcome) => aShare(group.filter((flow) => flow.outcome === outcome).length, group.length);
    const brokenByCause: Record<string, number> = {};
    for (const flow of group) if (flow.breakCause) brokenByCause[flow.breakCause] = (brokenByCause[flow.breakCause] ?? 0) + 1;
    return {
      vantage: first?.vantage ?? '',
      protocol: first?.protocol ?? '',
      vip: 'web',
      router: 'tor',
      population: group.length,
      excluded: 0,
      openedAndBroken: 0,
      outcomes: Object.fromEntries(OUTCOMES.map((outcome) => [outcome, share(outcome)])) as Record<Outcome, Share>,
      brokenByCause,
    };
  });
}

function matrixOf(flows: FlowOutcome[]): Report['matrix'] {
  return grouped(flows, (flow) => [flow.event, flow.vantage, flow.protocol, flow.ingressBefore, flow.ingressAfter].join(' ')).map(
    (group) => ({
      event: group[0]?.event ?? 0,
      vantage: group[0]?.vantage ?? '',
      protocol: group[0]?.protocol ?? '',
      vip: 'web',
      from: group[0]?.ingressBefore ?? 'unknown',
      to: group[0]?.ingressAfter ?? 'unknown',
      flows: group.length,
    }),
  );
}

function finalMapOf(flows: FlowOutcome[]): Report['finalMap'] {
  const mapped = flows.filter((flow) => flow.mappedBy === 'final');
  return grouped(mapped, (flow) => [flow.vantage, flow.ingressBefore, flow.ingressAfter].join(' ')).map((group) => ({
    vantage: group[0]?.vantage ?? '',
    vip: 'web',
    from: group[0]?.ingressBefore ?? 'unknown',
    to: group[0]?.ingressAfter ?? 'unknown',
    flows: group.length,
  }));
}

function pathsOf(run: RunShape, dead: string): Report['paths'] {
  return run.vantages.flatMap((vantage) =>
    (['baseline', 'fault', 'recovery'] as const).flatMap((phase) =>
      run.nodes
        .filter((node) => phase !== 'fault' || node !== dead)
        .map((ingress, index) => {
          const lost = phase === 'baseline' ? 0 : index * 3;
          const scheduled = 6_800 + index * 13;
          return {
            vantage,
            vip: 'web',
            router: 'tor',
            ingress,
            phase,
            availability: { value: 1 - lost / scheduled, low: 1 - (lost * 2 + 3) / scheduled, high: 1 - lost / scheduled / 2 },
            tally: { scheduled, ok: scheduled - lost, late: 0, lost, notSent: 0, invalid: 0 },
            rttMs: { p50: 0.21 + index / 50, p99: 1.7 + index / 10 },
          };
        }),
    ),
  );
}

function timelineOf(flows: FlowOutcome[], { run, alive, dead }: { run: RunShape; alive: string[]; dead: string }): Report['timeline'] {
  const seconds = Array.from({ length: SECONDS }, (_, second) => second);
  const steps = Array.from({ length: END_MS / STEP_MS }, (_, step) => step * STEP_MS);
  const windowAt = (t: number) => (t < FAULT_MS ? 0 : t < RETURN_MS + 800 ? 1 : 2);
  const breaksIn = (t: number, lengthMs: number) =>
    flows.filter(({ onsetT }) => onsetT !== null && onsetT >= t && onsetT < t + lengthMs).length;
  const places = Map.groupBy(flows, ({ event, protocol, ingressAfter }) => `${String(event)} ${protocol} ${String(ingressAfter)}`);
  const total = 2 * run.count * run.vantages.length * (1_000 / INTERVAL_MS);
  const lost = seconds.map((second) => Math.round(breaksIn(second * 1_000, 1_000) * 1.2));
  return {
    bins: SECONDS,
    stepMs: STEP_MS,
    flows: ['tcp', 'udp'].flatMap((protocol) =>
      run.nodes.map((ingress) => ({
        vip: 'web',
        protocol,
        ingress,
        flows: steps.map((t) => places.get(`${String(windowAt(t))} ${protocol} ${ingress}`)?.length ?? 0),
      })),
    ),
    breaks: flows.some((flow) => flow.broken)
      ? [{ vip: 'web', cause: run.breakCause, breaks: steps.map((t) => breaksIn(t, STEP_MS)) }]
      : [],
    exchanges: [
      {
        vip: 'web',
        ok: seconds.map((second) => total - (lost[second] ?? 0)),
        late: seconds.map(() => 0),
        lost,
        notSent: seconds.map(() => 0),
        invalid: seconds.map((second) => (second === 21 && run.vantages.length > 1 ? total / 2 : 0)),
      },
    ],
    nextHops: [
      { t: 0, router: 'tor', vip: 'web', nodes: run.nodes },
      { t: FAULT_MS + 68, router: 'tor', vip: 'web', nodes: alive },
      { t: RETURN_MS + 880, router: 'tor', vip: 'web', nodes: run.nodes },
    ],
    marks: [
      { t: FAULT_MS, kind: 'fault', text: `f1 bgp-session-down on ${dead}: intent` },
      { t: FAULT_MS + 66, kind: 'bgp', text: `tor: session with ${dead} Idle (Cease/Administrative Shutdown)` },
      { t: RETURN_MS, kind: 'fault', text: `f1 bgp-session-down on ${dead}: reverting` },
      { t: RETURN_MS + 851, kind: 'bgp', text: `tor: session with ${dead} Established` },
      { t: 21_300, kind: 'prober', text: 'prober v2 was stalled for 132 ms' },
    ],
  };
}
