// Scales: from seconds and counts to places on a drawing, and the round numbers to mark on the way.

export type Scale = { (value: number): number; readonly from: number; readonly to: number };

/** Maps `from`..`to` linearly onto `start`..`end`; an empty domain maps to `start`. */
export function linearScale(domain: readonly [number, number], range: readonly [number, number]): Scale {
  const [from, to] = domain;
  const [start, end] = range;
  const perUnit = to === from ? 0 : (end - start) / (to - from);
  return Object.assign((value: number) => start + (value - from) * perUnit, { from, to });
}

/** Round values (1, 2 or 5 times a power of ten) in `from`..`to`, at most about `count` of them. */
export function ticks(from: number, to: number, count: number): number[] {
  if (!(to > from) || count < 1) return [from];
  const rough = (to - from) / count;
  const power = 10 ** Math.floor(Math.log10(rough));
  const step = power * ([1, 2, 5].find((factor) => factor * power >= rough) ?? 10);
  const first = Math.ceil(from / step);
  const last = Math.floor(to / step + 1e-9);
  return Array.from({ length: last - first + 1 }, (_, index) => roundOff((first + index) * step));
}

/** Two decimals are a hundredth of a pixel: enough to draw, and the text stays short and equal on every machine. */
export function roundOff(value: number): number {
  return Math.round(value * 100) / 100;
}
