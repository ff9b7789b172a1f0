// Which vantage reaches a VIP by which ingress node, and how well: a row a vantage, a column an ingress.
import type { ComponentChildren } from 'preact';
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

/** More ingress nodes than this are told down the page, those where something is wrong first. */
const MOST_COLUMNS = 6;

export function PathsTable({ paths }: { paths: readonly PathStatus[] }) {
  if (paths.length === 0) return <Nothing>No path was seen yet.</Nothing>;
  const ingresses = [...new Set(paths.map(({ ingress }) => ingress))].sort(byNameUnknownLast);
  const from = [...Map.groupBy(paths, ({ vantage, vip, protocol }) => JSON.stringify([vantage, vip, protocol])).values()];
  if (ingresses.length <= MOST_COLUMNS) return <ByVantage ingresses={ingresses} from={from} />;
  const [quiet, loud] = [true, false].map((isQuiet) =>
    ingresses.filter((ingress) => paths.every((path) => path.ingress !== ingress || path.state === 'ok') === isQuiet),
  );
  return (
    <>
      {loud && loud.length > 0 && <ByIngress ingresses={loud} from={from} />}
      {quiet && quiet.length > 0 && (
        <details>
          <summary>{formatCounted(quiet.length, 'ingress node')} ok from every vantage</summary>
          <ByIngress ingresses={quiet} from={from} />
        </details>
      )}
    </>
  );
}

/** `from`: the paths of one vantage, VIP and protocol each. */
type PathsProps = { ingresses: readonly string[]; from: readonly (readonly PathStatus[])[] };

const CAPTION = 'Paths of the last minute by vantage and ingress node';

function ByVantage({ ingresses, from }: PathsProps) {
  return (
    <Sideways>
      <Table
        caption={CAPTION}
        className="paths"
        columns={[{ title: 'from' }, ...ingresses.map((ingress) => ({ title: <PathChip path={ingress} />, label: ingress }))]}
        rows={from.map((group) => ({
          key: nameOf(group),
          cells: [<From group={group} />, ...ingresses.map((ingress) => <Path path={group.find((path) => path.ingress === ingress)} />)],
        }))}
      />
    </Sideways>
  );
}

function ByIngress({ ingresses, from }: PathsProps) {
  return (
    <Sideways>
      <Table
        caption={CAPTION}
        className="paths"
        columns={[{ title: 'ingress' }, ...from.map((group) => ({ title: <From group={group} />, label: nameOf(group) }))]}
        rows={ingresses.map((ingress) => ({
          key: ingress,
          cells: [<PathChip path={ingress} />, ...from.map((group) => <Path path={group.find((path) => path.ingress === ingress)} />)],
        }))}
      />
    </Sideways>
  );
}

function Sideways({ children }: { children: ComponentChildren }) {
  return (
    <div class="sideways" role="region" aria-label={CAPTION} tabIndex={0}>
      {children}
    </div>
  );
}

function From({ group: [path] }: { group: readonly PathStatus[] }) {
  return (
    <>
      <strong>
        {path?.vantage} {path?.protocol}
      </strong>
      <span class="under">to {path?.vip}</span>
    </>
  );
}

function nameOf([path]: readonly PathStatus[]): string {
  return [path?.vantage, path?.protocol, path?.vip].join(' ');
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
