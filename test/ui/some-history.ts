// What a service's history could hold: runs, schedules, periods, alerts and deliveries; and what its keepers could say.
import type { AlertResource, DeliveryResource, KeeperResource, PeriodResource, RunResource, ScheduleResource } from '../../src/core/api.ts';

export function aRun(given: Partial<RunResource>): RunResource {
  const nowMs = Date.now();
  return {
    ...{ id: 'r-1', scenario: 'bgp-session-drop', environment: 'three-nodes', seed: 7, trigger: 'schedule nightly', state: 'ended' },
    ...{ dueMs: nowMs - 60_000, startedMs: nowMs - 59_000, endedMs: null, verdict: null, summary: null, isCancelRequested: false },
    ...{ annotations: [], comparison: null },
    ...given,
  };
}

export function someRuns(startMs: number): RunResource[] {
  return [
    aRun({ id: 'r-live', state: 'running', trigger: 'token ops', dueMs: startMs - 12_000, startedMs: startMs - 11_000 }),
    aRun({
      ...{
        id: 'nightly.2026-11-25',
        verdict: 'deviated',
        dueMs: startMs - 3_600_000,
        startedMs: startMs - 3_599_000,
        endedMs: startMs - 3_560_000,
      },
      summary:
        'n2 lost its BGP session: 341 of 1,024 TCP flows broke, all of them on n2; paths were whole again 0.9 s after the fault ended.',
      comparison: [
        'breaks of tcp flows 31 % -> 33 %, within noise (1024 flows against 2048 of the last 2 runs)',
        'breaks of udp flows 0 % -> 0 %, within noise (1024 flows against 2048 of the last 2 runs)',
      ],
      annotations: [{ atMs: startMs - 3_590_000, text: 'Alert "VIPErrors" fired in this window.' }],
    }),
    aRun({
      ...{
        id: 'nightly.2026-11-24',
        verdict: 'held',
        dueMs: startMs - 90_000_000,
        startedMs: startMs - 90_000_000,
        endedMs: startMs - 89_960_000,
      },
      summary: 'n2 lost its BGP session: none of 1,024 TCP flows broke; paths were whole again 0.9 s after the fault ended.',
    }),
    aRun({
      id: 'nightly.2026-11-23',
      state: 'skipped',
      dueMs: startMs - 176_000_000,
      startedMs: null,
      summary: 'The service was not running at 03:00 and came back 4 min later.',
    }),
  ];
}

export function someSchedules(startMs: number): ScheduleResource[] {
  const spec = {
    scenario: 'bgp-session-drop',
    environment: 'three-nodes',
    timeZone: 'UTC',
    jitter: 0,
    overlap: 'wait' as const,
    paused: false,
  };
  return [
    {
      spec: { ...spec, name: 'nightly', cron: '0 3 * * *', timeZone: 'Europe/Berlin' },
      origin: 'file',
      lastTickMs: startMs - 3_600_000,
      nextTickMs: startMs + 82_800_000,
      lastRun: someRuns(startMs)[1] ?? null,
    },
    {
      spec: { ...spec, name: 'watch', scenario: 'quiet-watch', every: 300_000, paused: true },
      origin: 'api',
      lastTickMs: null,
      nextTickMs: null,
      lastRun: null,
    },
  ];
}

export function aPeriod(startMs: number): PeriodResource {
  const [from, until] = [startMs - 600_000, startMs + 3_000_000].map((ms) => new Date(ms).toISOString());
  return {
    spec: {
      name: 'kernel-upgrade',
      kind: 'maintenance',
      from: from ?? '',
      until: until ?? '',
      environments: ['three-nodes'],
      nodes: ['n2'],
      note: 'Kernel of n2; ask Kim',
    },
    origin: 'api',
    isNow: true,
  };
}

export function anAlert(startMs: number): AlertResource {
  return {
    ...{ id: 'a-1', rule: 'all', state: 'open', severity: 'page', environment: 'three-nodes', findings: ['f-set-1', 'f-bgp-1'] },
    ...{ sentence: 'n2 left the next-hop set of web', maintenance: null, openedMs: startMs, updatedMs: startMs, resolvedMs: null },
  };
}

export function someDeliveries(startMs: number): DeliveryResource[] {
  const base = {
    alert: 'a-1',
    destination: 'oncall',
    type: 'alert.opened',
    attempts: 1,
    nextAttemptMs: null,
    lastError: null,
    deliveredMs: null,
  };
  const sentence = 'n2 left the next-hop set of web: 341 of 1,024 flows broke, 325 of them on n2';
  return [
    {
      ...base,
      id: 'd-1:oncall',
      sentence,
      state: 'pending',
      attempts: 3,
      nextAttemptMs: startMs + 40_000,
      lastError: 'the receiver answered 503',
      createdMs: startMs - 90_000,
    },
    {
      ...base,
      id: 'd-1:am',
      destination: 'alertmanager',
      sentence,
      state: 'delivered',
      createdMs: startMs - 90_000,
      deliveredMs: startMs - 89_000,
    },
    {
      ...base,
      id: 'd-0:oncall',
      sentence: 'The path by n3 did not answer for 14 s',
      state: 'dead',
      attempts: 31,
      lastError: 'getaddrinfo ENOTFOUND hooks.example.net',
      createdMs: startMs - 90_000_000,
    },
  ];
}

/** @param isBroken a fault is in force at the first, and the second is away */
export function someKeepers(startMs: number, isBroken: boolean): KeeperResource[] {
  const answering = { isReachable: true, error: null, remedy: null, isArmed: true, isHalted: false, holder: null, faults: [] };
  const silent = { isReachable: false, isArmed: null, isHalted: null, holder: null, faults: [] };
  const place = { name: 'rack-7', boot: 'b-1', place: '/run/holdfast/keeper.sock', version: '0.1.0' };
  return [
    {
      ...answering,
      ...{ environment: 'three-nodes', joined: null },
      ...(isBroken && {
        holder: '20261126-bgp-session-drop-01ab',
        faults: [
          { fault: 'f0', kind: 'bgp-session-down', target: 'n1', state: 'verified', reason: '' },
          { fault: 'f1', kind: 'bgp-session-down', target: 'n2', state: 'in-force', reason: '' },
        ],
      }),
    },
    isBroken
      ? {
          ...silent,
          environment: 'metal-in-rack-7',
          error: 'the keeper rack-7 is away; it was last heard of at 2026-11-26T04:00:00.000Z',
          remedy: 'start holdfast keeper-link on the machine of rack-7, or look at its log',
          joined: { ...place, isConnected: false, lastSeenMs: startMs - 250_000 },
        }
      : { ...answering, environment: 'metal-in-rack-7', isArmed: false, joined: { ...place, isConnected: true, lastSeenMs: startMs } },
  ];
}

export const PLAN = [
  'Holds:',
  '  v1: 256 tcp flows through web (203.0.113.10 port 80), an exchange every 200ms (tcp-hold)',
  '',
  'Touches:',
  '  f1  at 5s for 8s: bgp-session-down at n2',
  'Must remain: at least 2 next hops; a fault that would leave fewer is refused.',
  '',
  'Lasts about 40s from the moment all flows are open. Nothing was touched.',
].join('\n');
