// A window in which nothing happened is told in a line; the evidence is kept, but not pushed at the reader.
import type { Ledger } from '../core/report-format.ts';

/** Whether every flow there was stayed whole and where it was. */
export function isQuiet(ledgers: readonly Ledger[]): boolean {
  return ledgers.every(
    ({ outcomes, population, excluded, openedAndBroken }) =>
      population > 0 && outcomes.unmoved.count === population && excluded === 0 && openedAndBroken === 0,
  );
}
