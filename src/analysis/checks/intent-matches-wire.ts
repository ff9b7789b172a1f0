// intent-matches-wire: the paths that routers have and flows see are those that the cluster's objects intend.
import { intentWire, type SettledPart } from '../intent-wire.ts';
import { differenceContext, differences } from '../intent-wire-words.ts';
import { lengthText, listText } from '../wording.ts';
import { type Check, type ExpectationOf, NO_DATA } from './check.ts';

export const intentMatchesWire: Check<ExpectationOf<'intent-matches-wire'>> = {
  expected: () => 'the intended paths',
  judge({ during }, scope, { facts, windows }) {
    const looks = windows.filter(({ phase }) => during === undefined || phase === during).map((window) => intentWire(facts, scope, window));
    const parts = looks.flatMap((look) => look.parts);
    const findings = parts.flatMap((part) => part.findings);
    if (findings.length > 0) {
      const observed = listText([...new Set(findings.map(({ kind, node }) => `${kind} path ${node}`))]);
      return {
        verdict: 'deviated',
        observed,
        badness: findings.length,
        why: worstText(parts, differenceContext(facts.environment, scope.vip)),
      };
    }
    const blind = looks.find((look) => look.isBlind);
    if (parts.length === 0) return { ...NO_DATA, why: (blind ?? looks[0])?.unjudged ?? 'there was nothing to judge' };
    const observed = observedText(parts);
    const [doubt] = parts.flatMap((part) => part.doubts);
    const why = doubt?.text ?? blind?.unjudged;
    if (why != null) return { verdict: 'inconclusive', observed, badness: 0, why };
    return { verdict: 'held', observed, badness: 0, why: heldText(parts) };
  },
};

/** What is said of the part with most differences. */
function worstText(parts: readonly SettledPart[], context: Parameters<typeof differences>[2]): string {
  const [worst] = parts.toSorted((a, b) => b.findings.length - a.findings.length);
  const told = worst ? differences(worst.rows, worst.findings, context) : [];
  return told.map(({ what, look }) => `${what} Look at: ${look}`).join(' ');
}

function observedText(parts: readonly SettledPart[]): string {
  const sets = new Set(parts.map(({ rows }) => listText(rows.filter(({ intended }) => intended?.advertises).map(({ node }) => node))));
  return [...sets].map((set) => (set === '' ? 'no path, as intended' : set)).join('; then ');
}

function heldText(parts: readonly SettledPart[]): string {
  const hasRouter = parts.every(({ rows }) => rows.every(({ routers }) => routers.some(({ has }) => has !== null)));
  const settled = lengthText(parts.reduce((sum, { fromT, untilT }) => sum + untilT - fromT, 0));
  return `over ${settled} of settled time, ${hasRouter ? 'by the router and by flows' : 'by flows alone: no router was read'}`;
}
