// Where a run stands: its verdict once it has one, else what became of it.
import type { RunResource } from '../../core/api.ts';
import { StateMark, VerdictBadge, type Tone } from './marks.tsx';

const TONES: Readonly<Record<RunResource['state'], Tone>> = {
  queued: 'quiet',
  running: 'quiet',
  ended: 'unknown',
  skipped: 'care',
  refused: 'care',
  cancelled: 'quiet',
  lost: 'harm',
};

export function RunState({ run: { state, verdict, isCancelRequested } }: { run: RunResource }) {
  if (verdict !== null) return <VerdictBadge verdict={verdict} />;
  const isEnding = isCancelRequested && (state === 'running' || state === 'queued');
  return <StateMark tone={TONES[state]}>{isEnding ? 'being cancelled' : state === 'ended' ? 'ended, verdict unknown' : state}</StateMark>;
}
