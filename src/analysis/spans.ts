// Stretches of time, and what is left of one when others are taken out.

/** From the first instant to the second, in ms of the run. */
export type Span = { fromT: number; untilT: number };

/** The parts of `whole` that none of `others` covers, in order. */
export function spansWithout(whole: Span, others: readonly Span[]): Span[] {
  const parts: Span[] = [];
  let fromT = whole.fromT;
  for (const other of others.toSorted((a, b) => a.fromT - b.fromT)) {
    if (other.untilT <= fromT) continue;
    if (other.fromT >= whole.untilT) break;
    if (other.fromT > fromT) parts.push({ fromT, untilT: other.fromT });
    fromT = other.untilT;
  }
  if (fromT < whole.untilT) parts.push({ fromT, untilT: whole.untilT });
  return parts;
}
