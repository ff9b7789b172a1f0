// Where a monitor looks from, and whether those places are well themselves.
import type { VantageStatus } from '../../core/api.ts';
import { formatCount, formatMs } from '../../report/format.ts';
import { Nothing, StateMark, type Tone } from './marks.tsx';
import { Ago } from './moment.tsx';
import { Table } from './table.tsx';

const TONES: Readonly<Record<VantageStatus['state'], Tone>> = {
  holding: 'good',
  starting: 'quiet',
  restarting: 'care',
  refused: 'harm',
  ill: 'care',
  silent: 'harm',
  none: 'unknown',
};

export function VantagesTable({ vantages }: { vantages: readonly VantageStatus[] }) {
  if (vantages.length === 0) return <Nothing>This monitor has no vantage: it sees nothing.</Nothing>;
  return (
    <Table
      caption="Vantages of the monitor"
      columns={[
        { title: 'vantage' },
        { title: 'state' },
        { title: 'flows open', align: 'right' },
        { title: 'broken', align: 'right' },
        { title: 'clock within', align: 'right' },
        { title: 'last heard', align: 'right' },
      ]}
      rows={vantages.map(({ vantage, agent, state, why, open, broken, clockErrMs, lastSeenMs }) => ({
        key: vantage,
        cells: [
          <>
            <strong>{vantage}</strong>
            <span class="under">{agent === null ? 'no agent' : `agent ${agent}`}</span>
          </>,
          <>
            <StateMark tone={TONES[state]}>{state}</StateMark>
            {why !== null && <span class="under">{why}</span>}
          </>,
          formatCount(open),
          formatCount(broken),
          clockErrMs === null ? 'unknown' : `± ${formatMs(clockErrMs)}`,
          <Ago ms={lastSeenMs} />,
        ],
      }))}
    />
  );
}
