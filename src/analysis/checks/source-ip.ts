// source-ip: whether the responder saw the address that the prober sent from.
import { shareOf } from '../intervals.ts';
import { distinctSightings, SourceJudge } from '../source-ip.ts';
import type { Flow, Sighting } from '../flow-life.ts';
import { isSameScope } from '../scopes.ts';
import type { Window } from '../windows.ts';
import { countText, flowsText, listText } from '../wording.ts';
import { type Check, type ExpectationOf, NO_DATA } from './check.ts';

export const sourceIp: Check<ExpectationOf<'source-ip'>> = {
  expected: ({ is }) => is,
  judge({ is, during }, scope, { facts, windows, scopes }) {
    const judge = new SourceJudge(facts.environment.nodes ?? []);
    const inScope = scopes.find((each) => isSameScope(each.scope, scope));
    const within = during === undefined ? null : windows.filter((window) => window.phase === during);
    const flows = { preserved: 0, rewritten: 0, unknown: 0 };
    const rewriters = new Set<string>();
    for (const flow of inScope?.flows ?? []) {
      const sightings = within === null ? distinctSightings(flow) : sightingsWithin(flow, within);
      if (sightings.length === 0) continue;
      const verdicts = sightings.map((sighting) => judge.judge(flow.opened.sourceAddress, sighting.observedSource));
      for (const { verdict, rewrittenBy } of verdicts) {
        if (verdict === 'node-snat' || verdict === 'other-snat') rewriters.add(rewrittenBy ?? 'a hop that is no node');
      }
      // A flow that showed both counts against the expectation, whichever that is.
      const against = is === 'preserved' ? 'rewritten' : 'preserved';
      const kinds = verdicts.map(({ verdict }) => (verdict === 'preserved' || verdict === 'unknown' ? verdict : 'rewritten'));
      flows[kinds.includes(against) ? against : kinds.includes('unknown') ? 'unknown' : is] += 1;
    }
    const n = flows.preserved + flows.rewritten + flows.unknown;
    if (n === 0) return { ...NO_DATA, why: 'there was no flow to judge' };
    const share = shareOf(flows[is], n);
    const observed = `${is} on ${countText(flows[is])} of ${countText(n)}`;
    const by = rewriters.size > 0 ? ` by ${listText([...rewriters].sort())}` : '';
    const result = { observed, share, badness: 1 - flows[is] / n };
    const against = n - flows[is] - flows.unknown;
    if (against > 0) {
      const why =
        is === 'preserved' ? `the source of ${flowsText(against)} was rewritten${by}` : `the source of ${flowsText(against)} survived`;
      return { ...result, verdict: 'deviated', why };
    }
    if (flows.unknown > 0) return { ...result, verdict: 'inconclusive', why: `the source of ${flowsText(flows.unknown)} was not seen` };
    const why = is === 'preserved' ? 'the responder saw the address that the prober sent from' : `the source was rewritten${by}`;
    return { ...result, verdict: 'held', why };
  },
};

/** Sightings that held for some time inside one of the windows. */
function sightingsWithin(flow: Flow, windows: readonly Window[]): Sighting[] {
  const sightings = [flow.opened, ...flow.changes];
  const endT = flow.closedT ?? (flow.outlivedBreak ? Infinity : (flow.breaks.at(-1)?.brokenT ?? Infinity));
  return sightings.filter((sighting, index) => {
    const untilT = sightings[index + 1]?.t ?? endT;
    return windows.some((window) => sighting.t < window.untilT && untilT > window.fromT);
  });
}
