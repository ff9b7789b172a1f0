// Durations and shares as people write them in files: `300ms`, `5s`, `2m`, `99%`.
import { z } from 'zod';

const MS_PER = { ms: 1, s: 1_000, m: 60_000, h: 3_600_000 } as const;

/** `300ms`, `1.5s`, `2m`, `1h` to milliseconds; null when it is none of them. */
export function parseDurationMs(text: string): number | null {
  const match = /^(\d+(?:\.\d+)?)(ms|s|m|h)$/.exec(text);
  if (!match) return null;
  return Number(match[1]) * MS_PER[match[2] as keyof typeof MS_PER];
}

/** Milliseconds in the largest unit that keeps it whole: 90000 -> `90s`, 1500 -> `1500ms`. */
export function formatDurationMs(ms: number): string {
  for (const unit of ['h', 'm', 's'] as const) {
    if (ms !== 0 && ms % MS_PER[unit] === 0 && (unit === 's' || ms / MS_PER[unit] >= 2)) return `${String(ms / MS_PER[unit])}${unit}`;
  }
  return `${String(ms)}ms`;
}

/** `99%`, `0.5%` to a share in 0..1; null when it is none. */
export function parsePercent(text: string): number | null {
  const match = /^(\d+(?:\.\d+)?)\s?%$/.exec(text);
  if (!match) return null;
  const share = Number(match[1]) / 100;
  return share <= 1 ? share : null;
}

const A_DURATION = 'expected a duration such as 300ms, 5s or 2m';
const A_SHARE = 'expected a share from 0% to 100%, such as 99%';

/** A duration in a file, in milliseconds once parsed. `min` and `max` in milliseconds. */
export function duration(limits: { minMs?: number; maxMs?: number } = {}) {
  const { minMs = 0, maxMs = 24 * MS_PER.h } = limits;
  return z
    .string({ error: ({ input }) => A_DURATION + instead(nearDuration(input)) })
    .meta({ description: 'A duration such as 300ms, 5s or 2m.', pattern: '^\\d+(\\.\\d+)?(ms|s|m|h)$' })
    .transform((text, context) => {
      const ms = parseDurationMs(text);
      if (ms === null) {
        context.addIssue({ code: 'custom', message: A_DURATION + instead(nearDuration(text)), input: text });
        return z.NEVER;
      }
      if (ms < minMs || ms > maxMs) {
        context.addIssue({
          code: 'custom',
          message: `expected a duration from ${formatDurationMs(minMs)} to ${formatDurationMs(maxMs)}`,
          input: text,
        });
        return z.NEVER;
      }
      return ms;
    });
}

/** A share in a file (`99%`), 0..1 once parsed. */
export const percent = z
  .string({ error: ({ input }) => A_SHARE + instead(nearPercent(input)) })
  .meta({ description: 'A share such as 99% or 0.5%.', pattern: '^\\d+(\\.\\d+)?\\s?%$' })
  .transform((text, context) => {
    const share = parsePercent(text);
    if (share === null) {
      context.addIssue({ code: 'custom', message: A_SHARE + instead(nearPercent(text)), input: text });
      return z.NEVER;
    }
    return share;
  });

/** Whoever leaves the unit out means seconds, unless the number is one that only milliseconds make sense of. */
function nearDuration(input: unknown): string | null {
  const match = /^\s*(\d+(?:\.\d+)?)\s*(ms|msecs?|milliseconds?|s|secs?|seconds?|m|mins?|minutes?|h|hours?)?\s*$/i.exec(String(input));
  if (!match) return null;
  const unit = (match[2] ?? (Number(match[1]) < 100 ? 's' : 'ms')).toLowerCase();
  return `${match[1] ?? ''}${/^(ms|mil)/.test(unit) ? 'ms' : unit.charAt(0)}`;
}

function nearPercent(input: unknown): string | null {
  const text = `${String(input).trim()}%`;
  return parsePercent(text) === null ? null : text;
}

function instead(near: string | null): string {
  return near === null ? '' : `, did you mean ${near}?`;
}
