// Which vantage reaches a VIP by which ingress node, and how well: a row a vantage, a column an ingress.
import type { PathStatus } from '../../core/api.ts';
import { compareNames, formatCount, formatCounted, formatMsPair, formatPercent } from '../../report/format.ts';
import { Nothing, PathChip, StateMark, type Tone } from './marks.tsx';
import { Table } from './table.tsx';

const TONES: Readonly<Record<PathStatus['state'], Tone>> = {
  ok: 'good',
  ill: 'care',
  dead: 'harm',
  lost: 'harm',
  idle: 'quiet',
  unknown: 'unknown',
};

export function PathsTable({ paths }: { paths: readonly PathStatus[] }) {
  if (paths.length === 0) return <Nothing>No path was seen yet.</Nothing>;
  const ingresses = [...new Set(paths.map(({ ingress }) => ingress))].sort(byNameUnknownLast);
  const rows = Map.groupBy(paths, ({ vantage, vip, protocol }) => JSON.stringify([vantage, vip, protocol]));
  return (
    <div class="sideways" role="region" aria-label="Paths by vantage and ingress node" tabIndex={0}>
      <Table
        caption="Paths of the last minute by vantage and ingress node"
        className="paths"
        columns={[{ title: 'from' }, ...ingresses.map((ingress) => ({ title: <PathChip path={ingress} />, label: ingress }))]}
        rows={[...rows.entries()].map(([key, group]) => ({
          key,
          cells: [
            <>
              <strong>
                {group[0]?.vantage} {group[0]?.protocol}
              </strong>
              <span class="under">to {group[0]?.vip}</span>
            </>,
            ...ingresses.map((ingress) => <Path path={group.find((path) => path.ingress === ingress)} />),
          ],
        }))}
      />
    </div>
  );
}

function Path({ path }: { path: PathStatus | undefined }) {
  if (path === undefined) return <span class="muted">–</span>;
  const { state, flows, tally, rttMs } = path;
  const counted = tally.ok + tally.late + tally.lost;
  const rest = (['lost', 'late', 'notSent', 'invalid'] as const).flatMap((outcome) =>
    tally[outcome] > 0 ? [`${formatCount(tally[outcome])} ${outcome === 'notSent' ? 'not sent' : outcome}`] : [],
  );
  return (
    <>
      <StateMark tone={TONES[state]}>{state}</StateMark> <span class="flows">{formatCounted(flows, 'flow')}</span>
      <span class="under">
        {counted === 0 ? 'ok unknown, n = 0' : `${formatPercent(tally.ok / counted)} ok, n = ${formatCount(counted)}`}
        {rest.length > 0 && <b class={tally.lost > 0 ? 'harm-text' : ''}> {rest.join(', ')}</b>}
      </span>
      <span class="under" title="round trip, p50 / p99">
        {rttMs === null ? 'rtt unknown' : `rtt ${formatMsPair(rttMs.p50, rttMs.p99)}`}
      </span>
    </>
  );
}

function byNameUnknownLast(a: string, b: string): number {
  return Number(a === 'unknown') - Number(b === 'unknown') || compareNames(a, b);
}
