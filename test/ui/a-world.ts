// What a service could be telling: monitors, findings, runs and the rest, with n2's BGP session down since a minute and a half.
import type {
  AlertResource,
  DeliveryResource,
  DestinationResource,
  EnvironmentResource,
  KeeperResource,
  MonitorStatus,
  Overview,
  PathStatus,
  PeriodResource,
  RunResource,
  ScenarioResource,
  ScheduleResource,
  SecondOfVip,
} from '../../src/core/api.ts';
import type { Finding } from '../../src/core/finding.ts';
import { OUTCOMES, type Ledger, type Outcome, type Share, type WindowReport } from '../../src/core/report-format.ts';
import { aRun, someKeepers, someRuns, someSchedules, aPeriod, anAlert, someDeliveries, PLAN } from './some-history.ts';

export type World = {
  caller: string;
  areSessionsOver: boolean;
  pageLength: number;
  overview: (nowMs: number) => Overview;
  findings: Finding[];
  runs: RunResource[];
  schedules: ScheduleResource[];
  periods: PeriodResource[];
  deliveries: DeliveryResource[];
  destinations: DestinationResource[];
  alerts: AlertResource[];
  environments: EnvironmentResource[];
  keepers: KeeperResource[];
  scenarios: ScenarioResource[];
  planText: string;
  /** Of the next plan, when it is not to be made. */
  refusal: { status: number; code: string; detail: string; remedy?: string } | null;
  aRun: typeof aRun;
};

const VANTAGES = ['v1', 'v2'];
const AGO_MS = 95_000;
const BACK_AGO_MS = 41_000;

/** @param state `broken`: a BGP session is down; `well`: it was, and is back; `empty`: nothing is set up */
export function aWorld(state: 'broken' | 'well' | 'empty'): World {
  const startMs = Date.now();
  const findings = state === 'empty' ? [] : someFindings(startMs, state === 'broken');
  const world: World = {
    ...{ caller: 'ops', areSessionsOver: false, pageLength: 50, refusal: null, planText: PLAN, aRun, findings },
    runs: state === 'empty' ? [] : someRuns(startMs),
    schedules: state === 'empty' ? [] : someSchedules(startMs),
    periods: state === 'empty' ? [] : [aPeriod(startMs)],
    deliveries: state === 'empty' ? [] : someDeliveries(startMs),
    destinations:
      state === 'empty'
        ? []
        : [
            { name: 'oncall', kind: 'webhook', url: 'https://hooks.example.net' },
            { name: 'alertmanager', kind: 'alertmanager', url: 'http://10.0.0.9:9093' },
          ],
    alerts: state === 'empty' ? [] : [anAlert(startMs)],
    keepers: state === 'empty' ? [] : someKeepers(startMs, state === 'broken'),
    environments: [
      {
        ...{
          name: 'three-nodes',
          title: 'Three nodes behind one router',
          isLab: true,
          vantages: VANTAGES,
          hasKeeper: true,
          observers: ['frr'],
        },
        vips: [{ name: 'web', address: '203.0.113.10', port: 80, policy: 'Local' }],
        nodes: ['n1', 'n2', 'n3'].map((name, index) => ({ name, addresses: [`10.0.0.${String(index + 1)}`] })),
      },
    ],
    scenarios: [
      { name: 'bgp-session-drop', title: 'One node loses its BGP session', faults: ['bgp-session-down'], file: {} },
      { name: 'quiet-watch', title: 'Nothing is broken, everything is watched', faults: [], file: {} },
    ],
    overview: (nowMs) => {
      const open = world.findings.filter((finding) => finding.state === 'open');
      const monitors = state === 'empty' ? [] : [aMonitor(nowMs, { startMs, isBroken: state === 'broken', open: open.length })];
      return {
        ...{ title: 'Holdfast', version: '0.1.0', monitors, openFindings: open },
        sentence:
          open.length === 1
            ? (open[0]?.sentence ?? '')
            : open.length > 1
              ? `${String(open.length)} findings are open, the gravest: ${open[0]?.sentence ?? ''}`
              : state === 'empty'
                ? 'Nothing is monitored.'
                : 'Nothing is wrong that 1 monitor could see.',
        running: world.runs.filter((run) => run.state === 'running' || run.state === 'queued'),
        health: {
          canaryAgeMs: 4_000,
          outboxPending: world.deliveries.filter((each) => each.state === 'pending').length,
          outboxDead: world.deliveries.filter((each) => each.state === 'dead').length,
          outboxOldestMs: state === 'empty' ? null : startMs - 12_000,
          problems: state === 'broken' ? ['1 delivery was given up: the deliveries tell why.'] : [],
        },
      };
    },
  };
  return world;
}

function aMonitor(nowMs: number, { startMs, isBroken, open }: { startMs: number; isBroken: boolean; open: number }): MonitorStatus {
  return {
    ...{ name: 'web', environment: 'three-nodes', origin: 'file', isPaused: false, session: 's-1', sinceMs: startMs - 7_200_000 },
    spec: { name: 'web', environment: 'three-nodes', flows: [{ probe: 'tcp-hold', vip: 'web', vantages: 'all', count: 256 }] },
    sentence: isBroken ? '2 of 3 paths of web alive from 2 vantages; n2 is lost' : '3 of 3 paths of web alive from 2 vantages',
    vantages: VANTAGES.map((vantage, index) => ({
      ...{
        vantage,
        agent: `lab-${vantage}`,
        state: 'holding',
        why: null,
        lastSeenMs: nowMs - 900,
        open: 512,
        clockErrMs: 0.2 + index / 10,
      },
      broken: isBroken ? 171 - index * 9 : 0,
    })),
    paths: VANTAGES.flatMap((vantage) =>
      ['tcp', 'udp'].flatMap((protocol) => ['n1', 'n2', 'n3'].map((ingress) => aPath({ vantage, protocol, ingress, isBroken }))),
    ),
    nextHops: [
      {
        vip: 'web',
        nodes: isBroken ? ['n1', 'n3'] : ['n1', 'n2', 'n3'],
        from: 'observer',
        sinceMs: startMs - (isBroken ? AGO_MS : BACK_AGO_MS),
      },
    ],
    sessions: ['n1', 'n2', 'n3'].map((node, index) => ({
      ...{ router: 'tor', peer: `10.0.0.${String(index + 1)}`, node, state: isBroken && node === 'n2' ? 'Idle' : 'Established' },
    })),
    recent: fiveMinutes(nowMs, startMs, isBroken),
    openFindings: open,
  };
}

function aPath({
  vantage,
  protocol,
  ingress,
  isBroken,
}: {
  vantage: string;
  protocol: string;
  ingress: string;
  isBroken: boolean;
}): PathStatus {
  const isLost = isBroken && ingress === 'n2';
  const flows = isLost ? 0 : isBroken ? 128 : ingress === 'n1' ? 86 : 85;
  const scheduled = isLost ? 0 : flows * 300;
  const lost = isBroken && ingress === 'n3' && vantage === 'v2' ? 37 : 0;
  return {
    ...{ vantage, vip: 'web', protocol, ingress, flows, state: isLost ? 'lost' : lost > 0 ? 'ill' : 'ok' },
    tally: { scheduled, ok: scheduled - lost, late: 0, lost, notSent: 0, invalid: 0 },
    rttMs: isLost ? null : { p50: 0.31, p99: 1.4 },
  };
}

function fiveMinutes(nowMs: number, startMs: number, isBroken: boolean): SecondOfVip[] {
  const newest = Math.floor(nowMs / 1_000) - 1;
  return Array.from({ length: 296 }, (_, index) => {
    const atMs = (newest - 295 + index) * 1_000;
    const since = Math.floor((atMs - (startMs - AGO_MS)) / 1_000);
    const isGone = since >= 0 && (isBroken || atMs < startMs - BACK_AGO_MS);
    const byPath: Record<string, number> = isGone ? { n1: 512, n3: 512 } : { n1: 344, n2: 340, n3: 340 };
    const broke = since === 0 ? 121 : since === 1 ? 208 : since === 2 ? 12 : 0;
    return { atMs, vip: 'web', byPath, broke, lost: since >= 0 && since < 6 ? 400 - since * 60 : 0 };
  });
}

function someFindings(startMs: number, isOpen: boolean): Finding[] {
  const openedMs = startMs - AGO_MS;
  const base = { monitor: 'web', environment: 'three-nodes', updatedMs: startMs - 30_000 };
  return [
    {
      ...base,
      ...{ id: 'f-set-1', vip: 'web', kind: 'next-hops-changed', subject: 'n2', severity: 'page', openedMs, vantages: VANTAGES },
      ...(isOpen
        ? { state: 'open', isProvisional: true, resolvedMs: null }
        : { state: 'resolved', isProvisional: false, resolvedMs: startMs - BACK_AGO_MS }),
      sentence: 'n2 left the next-hop set of web: 341 of 1,024 flows broke, 325 of them on n2',
      details: ['Its BGP session to tor went down 0.2 s before.', '16 flows on other nodes broke: they were rehashed.'],
      brokenByCause: { reset: 260, stalled: 81 },
      windows: isOpen ? [aWindow('observed')] : [aWindow('observed'), aReturn()],
    },
    {
      ...base,
      ...{ id: 'f-bgp-1', vip: null, kind: 'bgp-session-down', subject: 'n2', severity: 'warn', openedMs: openedMs - 200, vantages: [] },
      ...(isOpen
        ? { state: 'open', isProvisional: true, resolvedMs: null }
        : { state: 'resolved', isProvisional: false, resolvedMs: startMs - BACK_AGO_MS }),
      ...{ sentence: 'The BGP session of n2 to tor is down', details: [], brokenByCause: {}, windows: [] },
    },
    ...Array.from({ length: 9 }, (_, index): Finding => ({
      ...base,
      ...{
        id: `f-old-${String(index)}`,
        vip: 'web',
        kind: index % 3 === 0 ? 'agent-ill' : 'path-dead',
        subject: index % 3 === 0 ? 'v1' : 'n3',
      },
      ...{
        state: 'resolved',
        isProvisional: false,
        severity: index % 3 === 0 ? 'info' : 'page',
        vantages: ['v1'],
        brokenByCause: {},
        details: [],
      },
      sentence:
        index % 3 === 0
          ? 'The prober at v1 was ill for 6 s: its processor was throttled'
          : 'The path by n3 did not answer for 14 s, while the others did',
      openedMs: startMs - 3_600_000 * (index + 2),
      resolvedMs: startMs - 3_600_000 * (index + 2) + 14_000,
      windows: [],
    })),
  ];
}

function aWindow(eventCause: WindowReport['eventCause']): WindowReport {
  return {
    ...{
      fromT: 7_105_000,
      untilT: 7_159_000,
      eventCause,
      phase: 'fault',
      description: 'n2 left the next-hop set of web; 2 of 3 were left.',
    },
    nextHops: [{ router: 'tor', vip: 'web', before: ['n1', 'n2', 'n3'], after: ['n1', 'n3'], from: 'observer' }],
    ledgers: VANTAGES.flatMap((vantage) => ['tcp', 'udp'].map((protocol) => aLedger(vantage, protocol))),
  };
}

function aReturn(): WindowReport {
  return {
    ...{
      fromT: 7_159_000,
      untilT: 7_190_000,
      eventCause: 'observed',
      phase: 'recovery',
      description: 'n2 returned to the next hops of web.',
    },
    nextHops: [{ router: 'tor', vip: 'web', before: ['n1', 'n3'], after: ['n1', 'n2', 'n3'], from: 'observer' }],
    ledgers: [aLedger('v1', 'tcp')],
  };
}

function aLedger(vantage: string, protocol: string): Ledger {
  const counts: Partial<Record<Outcome, number>> = {
    unmoved: 140,
    'on-dead-hop': 85,
    'moved-broken': protocol === 'tcp' ? 8 : 0,
    'moved-survived': 23,
  };
  const n = Object.values(counts).reduce((sum, count) => sum + count, 0);
  const share = (count: number): Share => ({ count, n, low: Math.max(0, count / n - 0.04), high: Math.min(1, count / n + 0.05) });
  return {
    ...{ vantage, protocol, vip: 'web', router: 'tor', population: n, excluded: 2, openedAndBroken: 1 },
    outcomes: Object.fromEntries(OUTCOMES.map((outcome) => [outcome, share(counts[outcome] ?? 0)])) as Record<Outcome, Share>,
    brokenByCause: { reset: 70, stalled: 23 },
  };
}
