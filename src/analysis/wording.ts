// Numbers as people read them in sentences.

/** 1024 -> `1,024`. */
export function countText(count: number): string {
  return String(count).replace(/\B(?=(\d{3})+$)/g, ',');
}

/** 0.9994 -> `99.94%`; never rounded up to a full 100 %. */
export function percentText(share: number): string {
  const hundredths = share < 1 ? Math.min(9_999, Math.round(share * 10_000)) : 10_000;
  return `${String(hundredths / 100)}%`;
}

/** `1 flow`, `2 flows`. */
export function flowsText(count: number): string {
  return `${countText(count)} ${count === 1 ? 'flow' : 'flows'}`;
}

/** Seconds with a precision that fits: `85 ms`, `0.9 s`, `12.4 s`. */
export function lengthText(ms: number): string {
  if (ms < 100) return `${String(Math.round(ms))} ms`;
  return `${String(Math.round(ms / 100) / 10)} s`;
}

/** `n1`, `n1 and n2`, `n1, n2 and n3`. */
export function listText(words: readonly string[]): string {
  const last = words.at(-1) ?? '';
  return words.length < 2 ? last : `${words.slice(0, -1).join(', ')} and ${last}`;
}
