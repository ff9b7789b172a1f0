// When a run must end early: a fault may stay only while we can see what it does.
import type { Pulse } from '../core/control.ts';

/** Without a pulse from a vantage for this long, nobody is looking. */
export const NO_DATA_MS = 10_000;
/** A prober that is ill this many seconds in a row cannot be believed. One stall alone only marks its bins invalid. */
export const ILL_PULSES = 3;

type VantageHealth = { lastPulseT: number; illInARow: number };

export class StopConditions {
  readonly #vantages = new Map<string, VantageHealth>();

  /** Starts watching a vantage at run-clock `t`. */
  watch(vantage: string, t: number): void {
    this.#vantages.set(vantage, { lastPulseT: t, illInARow: 0 });
  }

  take(vantage: string, pulse: Pulse, t: number): void {
    const before = this.#vantages.get(vantage);
    this.#vantages.set(vantage, { lastPulseT: t, illInARow: pulse.ill ? (before?.illInARow ?? 0) + 1 : 0 });
  }

  /** Why the run must stop now, in words; null: it may go on. */
  reasonAt(t: number): string | null {
    for (const [vantage, health] of this.#vantages) {
      const silentMs = t - health.lastPulseT;
      if (silentMs > NO_DATA_MS) return `no fresh data from ${vantage} for ${(silentMs / 1000).toFixed(1)} s`;
      if (health.illInARow >= ILL_PULSES) return `the prober at ${vantage} has been ill for ${String(health.illInARow)} s`;
    }
    return null;
  }
}
