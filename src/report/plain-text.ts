// Names come from other people's systems: what they may not do to a terminal or a page.

const CONTROLS = /[\p{Cc}\p{Cf}\p{Zl}\p{Zp}]/gu;

/** `text` with control and direction characters (a node may be called anything, an escape sequence too) as U+FFFD. */
export function plainText(text: string): string {
  return text.toWellFormed().replace(CONTROLS, '\uFFFD');
}

/** A copy of a JSON-like `value`, every string and key in it made plain. */
export function withPlainTexts<Value>(value: Value): Value {
  if (typeof value === 'string') return plainText(value) as Value;
  if (Array.isArray(value)) return value.map(withPlainTexts) as Value;
  if (typeof value !== 'object' || value === null) return value;
  return Object.fromEntries(Object.entries(value).map(([key, field]) => [plainText(key), withPlainTexts(field)])) as Value;
}
