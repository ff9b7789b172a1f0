// The reports that every output must be able to show: good, bad, thin, broken off, empty, hostile.
import type { Report, WindowReport } from '../../src/core/report-format.ts';
import { aShare, simulateRun, type SimulatedRun } from './a-run.ts';

/** The middle hop goes, nobody else is hurt. */
export function heldRun(): SimulatedRun {
  return simulateRun();
}

/** An end hop goes without a warning; its neighbours' flows are rehashed and stall. */
export function deviatedRun(): SimulatedRun {
  const { report, flows } = simulateRun({ deadHop: 2, breakCause: 'stalled' });
  const drained = {
    runId: '20260314-031500-node-drain',
    scenario: 'node-drain',
    title: 'A node is drained',
    summary: report.summary.replace('lost its BGP session', 'was drained'),
    faults: report.faults.map((fault) => ({ ...fault, kind: 'node-drain' })),
    events: report.events.map((window) =>
      withDrain({ ...window, description: window.description.replace('bgp-session-down', 'node-drain') }, 'web-7d9f6c-x2x1q'),
    ),
  };
  return { report: { ...report, ...drained }, flows };
}

/** What the cluster's observer told of the drain, in the window that it opened. */
function withDrain(window: WindowReport, pod: string): WindowReport {
  if (window.eventCause !== 'fault-in') return window;
  const common = { t: window.fromT + 20, vip: null, node: 'n3', pod: null, effect: null, broken: [], evidence: {} };
  return {
    ...window,
    causes: [
      { ...common, kind: 'node', what: 'n3 was cordoned' },
      {
        ...{ ...common, t: window.fromT + 180, kind: 'pod', vip: 'web', pod },
        what: `drain of n3: n3 lost its last ready endpoint (${pod})`,
        effect: 'n3 left the next-hop set of web 0.1 s later',
        broken: [
          { protocol: 'tcp', share: aShare(94, 256), byCause: { reset: 90, stalled: 4 } },
          { protocol: 'udp', share: aShare(0, 256), byCause: {} },
        ],
        evidence: { 'its-pod': 70, rehashed: 24 },
      },
    ],
    unexplained: [{ vip: 'web', protocol: 'tcp', share: aShare(2, 96), why: 'no-cause-seen' }],
  };
}

/** Too few flows to say anything, an ill prober, no observer. */
export function inconclusiveRun(): SimulatedRun {
  const { report, flows } = simulateRun({ count: 24, vantages: ['v1'] });
  return {
    flows,
    report: {
      ...report,
      verdict: 'inconclusive',
      summary: 'None of 16 flows outside n2 broke, but 16 are too few to say so: at least 100 are needed.',
      remarks: ['No observer watched the router: next-hop sets are inferred from fresh flows.'],
      checks: report.checks.map((check, index) =>
        index === 0
          ? { ...check, observed: '0 of 16', share: aShare(0, 16), verdict: 'inconclusive', why: '16 flows are too few: minFlows is 100' }
          : check,
      ),
      events: report.events.map((window) => ({ ...window, nextHops: window.nextHops.map((set) => ({ ...set, from: 'flows' as const })) })),
      health: [{ vantage: 'v1', invalidBins: 9, bins: 35, reasons: { 'CPU throttled': 6, stalled: 3 }, clockErrMs: 1.7 }],
    },
  };
}

/** The journal breaks off in mid-fault: what was seen is told, the fault's fate is not known. */
export function erroredRun(): SimulatedRun {
  const { report, flows } = simulateRun();
  const bins = 9;
  const cut = (values: number[], perSecond = 1) => values.slice(0, bins * perSecond);
  const { timeline } = report;
  return {
    flows: flows.filter((flow) => flow.event < 2),
    report: {
      ...report,
      verdict: 'errored',
      summary: 'The run broke off 9.2 s after its start, while n2 had no BGP session; whether that was reverted is not in the journal.',
      remarks: ['Ask the keeper: holdfast keeper status.'],
      durationMs: 9_200,
      checks: report.checks.map((check) => {
        const { check: name, expected } = check;
        return { check: name, expected, observed: 'unknown', verdict: 'errored', why: 'the run did not last until it could be judged' };
      }),
      events: report.events.slice(0, 2).map((window) => ({ ...window, untilT: Math.min(window.untilT, 9_200) })),
      matrix: report.matrix.filter((cell) => cell.event < 2),
      finalMap: [],
      paths: report.paths.filter((path) => path.phase !== 'recovery'),
      interruptions: report.interruptions.filter((row) => row.event < 2),
      faults: report.faults.map((fault) => ({ ...fault, revertedT: null, state: 'unknown' })),
      timeline: {
        bins,
        stepMs: 100,
        flows: timeline.flows.map((series) => ({ ...series, flows: cut(series.flows, 10) })),
        breaks: timeline.breaks.map((series) => ({ ...series, breaks: cut(series.breaks, 10) })),
        exchanges: timeline.exchanges.map((series) => ({
          vip: series.vip,
          ok: cut(series.ok),
          late: cut(series.late),
          lost: cut(series.lost),
          notSent: cut(series.notSent),
          invalid: cut(series.invalid),
        })),
        nextHops: timeline.nextHops.filter((change) => change.t < 9_200),
        marks: timeline.marks.filter((mark) => mark.t < 9_200),
      },
    },
  };
}

/** Killed before a flow was open: nothing is known, and that is said. */
export function emptyRun(): SimulatedRun {
  const report: Report = {
    ...simulateRun({ count: 1 }).report,
    verdict: 'errored',
    summary: 'The run ended before all flows were open: nothing was measured.',
    remarks: [],
    durationMs: 640,
    checks: [],
    events: [],
    matrix: [],
    finalMap: [],
    sourceIp: [],
    paths: [],
    interruptions: [],
    faults: [],
    health: [],
    timeline: { bins: 0, flows: [], breaks: [], exchanges: [], nextHops: [], marks: [] },
  };
  return { report, flows: [] };
}

export const HOSTILE_NODE = '"><script>alert(1)</script>';
export const HOSTILE_POD = '</script><img src=x onerror=alert(2)>\u2028\u0000]]>';

/** Names as an attacker with a pod in the cluster would choose them. */
export function hostileRun(): SimulatedRun {
  const { report, flows } = simulateRun({ count: 12, vantages: ['v1'], nodes: ['n1', HOSTILE_NODE, 'n3'], backendOf: () => HOSTILE_POD });
  const events = report.events.map((window) => withDrain(window, HOSTILE_POD));
  const timeline = { ...report.timeline, marks: [...report.timeline.marks, { t: 5_200, kind: 'cluster' as const, text: HOSTILE_POD }] };
  return {
    report: { ...report, events, timeline, title: `A run titled ${HOSTILE_POD}`, remarks: [`<b>not bold</b> & 'quoted' "twice"`] },
    flows,
  };
}

export const SOME_RUNS = {
  held: heldRun,
  deviated: deviatedRun,
  inconclusive: inconclusiveRun,
  errored: erroredRun,
  empty: emptyRun,
  hostile: hostileRun,
} as const;
