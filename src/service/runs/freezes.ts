// Freeze periods: times in which no run with faults starts.
import type { PeriodSpec } from '../../core/service-file.ts';
import { freezeAt } from '../alerts/periods.ts';
import type { Catalogue } from '../parts.ts';

export type Periods = () => readonly PeriodSpec[] | Promise<readonly PeriodSpec[]>;

export class Freezes {
  readonly #catalogue: Catalogue;
  readonly #periods: Periods;

  constructor(catalogue: Catalogue, periods: Periods) {
    this.#catalogue = catalogue;
    this.#periods = periods;
  }

  /** Why a run of the scenario must not start at `atMs`; null when it may. A scenario that breaks nothing always may. */
  async whyNot({ scenario, environment }: { scenario: string; environment: string }, atMs: number): Promise<string | null> {
    const hasFaults = (this.#catalogue.scenarios.get(scenario)?.scenario.timeline.length ?? 0) > 0;
    if (!hasFaults) return null;
    const period = freezeAt(await this.#periods(), environment, atMs);
    return period ? `the freeze ${period.name} lasts until ${period.until}: no run with faults starts in ${environment}` : null;
  }
}
