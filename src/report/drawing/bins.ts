// Series of one value a second, or a finer step, made short enough to draw.

/** More steps than this are narrower than a pixel on most screens. */
const MAX_STEPS = 1_200;

/** A series as it is drawn: `values[i]` belongs to the `stepMs` from `i * stepMs`. */
export type Steps = { stepMs: number; values: number[] };

/** Counts of things that happened: a drawn step holds the sum of what it covers. */
export function summed(values: readonly number[], stepMs: number): Steps {
  return merged(values, stepMs, (part) => part.reduce((sum, value) => sum + value, 0));
}

/** Counts of things that are there: a drawn step holds the last of what it covers. */
export function lastOf(values: readonly number[], stepMs: number): Steps {
  return merged(values, stepMs, (part) => part.at(-1) ?? 0);
}

function merged(values: readonly number[], stepMs: number, merge: (part: readonly number[]) => number): Steps {
  const factor = Math.max(1, Math.ceil(values.length / MAX_STEPS));
  const steps = Array.from({ length: Math.ceil(values.length / factor) }, (_, step) =>
    merge(values.slice(step * factor, (step + 1) * factor)),
  );
  return { stepMs: stepMs * factor, values: steps };
}
