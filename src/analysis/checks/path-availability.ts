// path-availability: the worst path of the settled next-hop set, once the set has settled: the paths that should work, do.
import { VERDICTS } from '../../core/report-format.ts';
import { type Availability, availabilityOf } from '../availability.ts';
import { type BinSpan, judgedIn, wholeBins } from '../bins.ts';
import type { LedgerCount } from '../ledgers.ts';
import type { RunFacts, Scope } from '../run-facts.ts';
import { isSameScope } from '../scopes.ts';
import { percentText } from '../wording.ts';
import { type Check, countsOf, type Evidence, type ExpectationOf, NO_DATA, judgeMin, type ScopeVerdict } from './check.ts';

/** From the set's last change until its paths are expected to work: this long, or two intervals. */
const GRACE_MS = 2_000;

export const pathAvailability: Check<ExpectationOf<'path-availability'>> = {
  expected: ({ min }) => `min ${percentText(min)}`,
  judge({ min, during }, scope, evidence) {
    const counts = countsOf(evidence, scope, during);
    const spans = spansOfPaths(counts, evidence);
    const verdicts = [...spans].map(([path, ofPath]) => judgePath(path, availabilityOn(path, ofPath, scope, evidence), min));
    if (counts.some((count) => count.after.nodes === null)) {
      verdicts.push({ ...NO_DATA, why: 'the settled next-hop set is not known, so nobody can say which paths should work' });
    }
    const [worst] = verdicts.sort((a, b) => VERDICTS.indexOf(b.verdict) - VERDICTS.indexOf(a.verdict) || b.badness - a.badness);
    return worst ?? { ...NO_DATA, why: 'there was no path to judge' };
  },
};

function spansOfPaths(counts: readonly LedgerCount[], { facts, nextHops }: Evidence): Map<string, BinSpan[]> {
  const spans = new Map<string, BinSpan[]>();
  for (const { window, scope, after } of counts) {
    const changedT = nextHops.lastChangeT(scope.vantage, scope.vip, window.untilT) ?? -Infinity;
    const span = wholeBins(Math.max(window.fromT, changedT + Math.max(GRACE_MS, 2 * intervalOf(facts, scope))), window.untilT);
    for (const path of after.nodes ?? []) spans.set(path, [...(spans.get(path) ?? []), span]);
  }
  return spans;
}

function availabilityOn(path: string, spans: readonly BinSpan[], scope: Scope, { facts, scopes }: Evidence): Availability {
  return availabilityOf(facts, {
    tallies: facts.tallies.filter((tally) => !tally.fresh && isSameScope(tally, scope)),
    flows: scopes.find((each) => isSameScope(each.scope, scope))?.flows ?? [],
    spans,
    path,
    name: `path-availability ${scope.vantage} ${scope.vip} ${scope.protocol} ${path}`,
  });
}

function judgePath(path: string, found: Availability, min: number): ScopeVerdict {
  if (judgedIn(found.tally) === 0) return { ...NO_DATA, why: `no flow was on ${path} while it should have worked` };
  const judged = judgeMin(found, min);
  return { ...judged, observed: `${percentText(found.value)} on ${path}`, why: `while the set was settled, ${judged.why}` };
}

/** The longest interval among the probes of a scope's protocol. */
function intervalOf(facts: RunFacts, scope: Scope): number {
  const intervals = Object.values(facts.probes)
    .filter((probe) => probe.protocol === scope.protocol)
    .map((probe) => probe.intervalMs ?? 0);
  return Math.max(0, ...intervals);
}
