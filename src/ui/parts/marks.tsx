// The small marks of the page: paths, verdicts, states, intervals; each says in words what its colour and shape say.
import { createContext, type ComponentChildren } from 'preact';
import { useContext } from 'preact/hooks';
import type { Severity } from '../../core/finding.ts';
import type { Verdict } from '../../core/report-format.ts';
import { placeInterval, type IntervalOfShare } from '../../report/drawing/interval.ts';
import { paletteOfNames, type Palette } from '../../report/drawing/palette.ts';
import { VERDICT_MARKS } from '../../report/drawing/verdict-marks.ts';

export const PaletteContext = createContext<Palette>(paletteOfNames([]));

/** A path by its ingress node: its colour, and always its name. */
export function PathChip({ path }: { path: string | null }) {
  const palette = useContext(PaletteContext);
  const name = path === 'unknown' ? null : path;
  return (
    <span class="path">
      <i class={`chip ${palette(name)}`} />
      {name ?? 'unknown'}
    </span>
  );
}

export function VerdictBadge({ verdict }: { verdict: Verdict }) {
  return (
    <span class={`verdict ${verdict}`}>
      <span class="mark" aria-hidden="true">
        {VERDICT_MARKS[verdict]}
      </span>
      {verdict}
    </span>
  );
}

/** `harm`: something is broken; `care`: not as it should be; `good`, `quiet`, `unknown` do not ask for attention. */
export type Tone = 'good' | 'harm' | 'care' | 'quiet' | 'unknown';
const TONE_MARKS: Readonly<Record<Tone, string>> = { good: '✔', harm: '✘', care: '▲', quiet: '○', unknown: '?' };

/** A state as shape and word. */
export function StateMark({ tone, children }: { tone: Tone; children: ComponentChildren }) {
  return (
    <span class={`state ${tone}`}>
      <span class="mark" aria-hidden="true">
        {TONE_MARKS[tone]}
      </span>
      {children}
    </span>
  );
}

export const SEVERITY_TONES: Readonly<Record<Severity, Tone>> = { info: 'quiet', warn: 'care', page: 'harm' };

/** The interval of a share as a bar with a stroke at the value; the numbers stand beside it. */
export function RangeBar({ share, isHarm = false }: { share: IntervalOfShare; isHarm?: boolean }) {
  const { x, width, value } = placeInterval(share);
  return (
    <svg class={isHarm ? 'range harm' : 'range'} viewBox="0 0 100 10" preserveAspectRatio="none" aria-hidden="true">
      <rect class="track" x={0} y={4} width={100} height={2} />
      <rect class="span" x={x} y={2} width={width} height={6} />
      <path class="value" d={`M${String(value)} 0V10`} />
    </svg>
  );
}

/** Says that there is nothing, where a blank would leave one wondering. */
export function Nothing({ children }: { children: ComponentChildren }) {
  return <p class="nothing">{children}</p>;
}
