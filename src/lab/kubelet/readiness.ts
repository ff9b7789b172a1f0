// When a probe's answers make a container ready or unready: a state machine, pure.
import type { Probe } from './pod.ts';

/** `run`: how many answers in a row were like `last`. */
export type Readiness = { isReady: boolean; last: boolean | null; run: number };

/** As a container starts: without a probe it is ready as soon as it runs (Kubernetes: Pod lifecycle, "Container probes"). */
export function readinessAtStart(probe: Probe | null): Readiness {
  return { isReady: probe === null, last: null, run: 0 };
}

/** After one more answer. A threshold must be reached without a break. */
export function afterAnswer(before: Readiness, answer: boolean, probe: Pick<Probe, 'successThreshold' | 'failureThreshold'>): Readiness {
  const run = before.last === answer ? before.run + 1 : 1;
  const threshold = answer ? probe.successThreshold : probe.failureThreshold;
  return { isReady: run >= threshold ? answer : before.isReady, last: answer, run };
}
