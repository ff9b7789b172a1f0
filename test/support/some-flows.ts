// Flows through a router with equal-cost next hops of which one goes and returns, as flows.ndjson tells them.
import type { BreakCause } from '../../src/core/journal.ts';
import type { FlowOutcome, Outcome } from '../../src/core/report-format.ts';

export type RunShape = {
  nodes: string[];
  vantages: string[];
  /** TCP flows of each vantage; as many UDP twins. */
  count: number;
  /** Position of the hop that goes, in the router's order. */
  deadHop: number;
  breakCause: BreakCause;
  backendOf: (node: string) => string;
};

export const FAULT_MS = 5_000;
export const RETURN_MS = 13_000;
export const END_MS = 35_000;
export const INTERVAL_MS = 200;

/** mulberry32: small, seeded, good enough to scatter flows. */
function seeded(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 4_294_967_296;
  };
}

/** A flow and window each; hash-threshold, so every flow's place is told by one number in 0..1. */
export function simulateFlows(run: RunShape): FlowOutcome[] {
  const random = seeded(42);
  const dead = run.nodes[run.deadHop] ?? '';
  const alive = run.nodes.filter((node) => node !== dead);
  const on = (nodes: string[], place: number) => nodes[Math.floor(place * nodes.length)] ?? '';
  const flows: FlowOutcome[] = [];
  run.vantages.forEach((vantage, vantageIndex) => {
    let number = 0;
    const add = (
      event: number,
      change: Partial<FlowOutcome> & Pick<FlowOutcome, 'protocol' | 'ingressBefore' | 'flowId' | 'sourcePort'>,
    ) => {
      flows.push(aFlow({ event, vantage, sourceAddress: `10.77.1.${String(11 + vantageIndex)}`, ...backends(run, change), ...change }));
    };
    for (const protocol of ['tcp', 'udp']) {
      for (let index = 0; index < run.count; index += 1) {
        const place = random();
        const [before, during] = [on(run.nodes, place), on(alive, place)];
        const jitter = random() * INTERVAL_MS;
        const flow = { protocol, flowId: `${vantage}/${String((number += 1))}`, sourcePort: 20_000 + number };
        const isDead = before === dead;
        add(0, { ...flow, ingressBefore: before, ingressAfter: before, outcome: 'unmoved' });
        if (protocol === 'udp') {
          const moved = before === during ? 'unmoved' : isDead ? 'on-dead-hop' : 'moved-survived';
          add(1, { ...flow, ingressBefore: before, ingressAfter: during, outcome: moved });
          add(2, { ...flow, ingressBefore: during, ingressAfter: before, outcome: before === during ? 'unmoved' : 'moved-survived' });
          continue;
        }
        if (before === during) {
          add(1, { ...flow, ingressBefore: before, ingressAfter: during, outcome: 'unmoved' });
          add(2, { ...flow, ingressBefore: before, ingressAfter: before, outcome: 'unmoved', mappedBy: 'final' });
          continue;
        }
        const broke = { broken: true, breakCause: run.breakCause, mappedBy: 'redial' as const, blame: 'path' as const };
        const times = (edge: number) => ({
          lastOkT: edge + jitter - 120,
          onsetT: edge + jitter,
          brokenT: edge + jitter + 1,
          restoredT: edge + jitter + 230,
        });
        const outcome: Outcome = isDead ? 'on-dead-hop' : 'moved-broken';
        add(1, { ...flow, ...broke, ...times(FAULT_MS + 70), ingressBefore: before, ingressAfter: during, outcome });
        // Its replacement was opened on the smaller set; the return of the hop rehashes it.
        const fresh = random();
        const [opened, returned] = [on(alive, fresh), on(run.nodes, fresh)];
        const next = { protocol, flowId: `${vantage}/${String((number += 1))}`, sourcePort: 20_000 + number };
        if (opened === returned) add(2, { ...next, ingressBefore: opened, ingressAfter: opened, outcome: 'unmoved', mappedBy: 'final' });
        else
          add(2, { ...next, ...broke, ...times(RETURN_MS + 900), ingressBefore: opened, ingressAfter: returned, outcome: 'moved-broken' });
      }
    }
  });
  return flows.sort((a, b) => a.event - b.event);
}

function backends(run: RunShape, flow: Partial<FlowOutcome>): Partial<FlowOutcome> {
  const of = (node: string | null | undefined) => (node ? run.backendOf(node) : null);
  return { backendBefore: of(flow.ingressBefore), backendAfter: of(flow.ingressAfter) };
}

/** One line of flows.ndjson: an unmoved TCP flow, unless told otherwise. */
export function aFlow(change: Partial<FlowOutcome> = {}): FlowOutcome {
  return {
    event: 0,
    flowId: 'v1/1',
    vantage: 'v1',
    protocol: 'tcp',
    router: 'tor',
    sourceAddress: '10.77.1.11',
    sourcePort: 20_001,
    vip: '10.77.0.1',
    vipName: 'web',
    port: 7_000,
    ingressBefore: 'n1',
    ingressAfter: 'n1',
    backendBefore: 'web-n1',
    backendAfter: 'web-n1',
    outcome: 'unmoved',
    broken: false,
    breakCause: null,
    blame: null,
    mappedBy: 'live',
    mapFailure: null,
    observedSourceBefore: '10.77.1.11',
    observedSourceAfter: '10.77.1.11',
    lastOkT: null,
    onsetT: null,
    brokenT: null,
    restoredT: null,
    ...change,
  };
}
