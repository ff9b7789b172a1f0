// Series of one value a second, made short enough to draw.

/** More steps than this are narrower than a pixel on most screens. */
export const MAX_STEPS = 1_200;

/** Seconds that one drawn step covers. */
export function secondsPerStep(bins: number): number {
  return Math.max(1, Math.ceil(bins / MAX_STEPS));
}

/** Counts of things that happened: a step holds the sum of its seconds. */
export function summed(values: readonly number[], perStep: number): number[] {
  return steps(values, perStep).map((seconds) => seconds.reduce((sum, value) => sum + value, 0));
}

/** Counts of things that are there: a step holds the last of its seconds. */
export function lastOf(values: readonly number[], perStep: number): number[] {
  return steps(values, perStep).map((seconds) => seconds.at(-1) ?? 0);
}

function steps(values: readonly number[], perStep: number): (readonly number[])[] {
  return Array.from({ length: Math.ceil(values.length / perStep) }, (_, step) => values.slice(step * perStep, (step + 1) * perStep));
}
