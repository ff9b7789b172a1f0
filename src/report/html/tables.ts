// The plain tables of the page: checks, source addresses, paths, interruptions, faults, health.
import type { CheckResult, Report } from '../../core/report-format.ts';
import { healthCells, interruptionCells } from '../cells.ts';
import type { Palette } from '../drawing/palette.ts';
import { formatCount, formatInterval, formatMs, formatPercent, formatT } from '../format.ts';
import { h, type Child, type Markup } from './markup.ts';
import { nothing, pathChip, rangeBar, section, table, verdictBadge } from './table.ts';

const right = (title: string) => ({ title, align: 'right' as const });

export function checksSection({ checks }: Report): Markup {
  if (checks.length === 0) {
    return section('checks', 'Checks', nothing('None: the scenario expects nothing, or the run ended before anything could be judged.'));
  }
  return section(
    'checks',
    'Checks',
    table({
      caption: 'What the scenario expects and what was observed',
      isCards: true,
      className: 'checks',
      columns: [{ title: 'check' }, { title: 'verdict' }, { title: 'expected' }, { title: 'observed' }, { title: 'n and 95% interval' }],
      rows: checks.map((check) => [
        [h('strong', null, check.check), h('span', { class: 'under' }, scopeOf(check))],
        verdictBadge(check.verdict),
        check.expected,
        [h('strong', null, check.observed), h('span', { class: 'under' }, check.why)],
        shareCell(check),
      ]),
    }),
  );
}

function scopeOf({ during, vantage, protocol, vip }: CheckResult): string {
  return [during && `during ${during}`, [vantage, protocol, vip].filter(Boolean).join(' ')].filter(Boolean).join(', ');
}

function shareCell({ share, verdict }: CheckResult): Child {
  if (!share) return h('span', { class: 'muted' }, '–');
  const n = `n = ${formatCount(share.n)}`;
  if (share.n === 0) return [n, h('span', { class: 'under' }, 'unknown')];
  return h(
    'span',
    { class: 'share' },
    n,
    rangeBar({ ...share, value: share.count / share.n }, { isHarm: verdict === 'deviated' }),
    h('span', { class: 'under' }, formatInterval(share)),
  );
}

export function sourceSection({ sourceIp }: Report, palette: Palette): Markup {
  if (sourceIp.length === 0) return section('source', 'Source address', nothing('Not known: no responder said what it saw.'));
  return section(
    'source',
    'Source address',
    table({
      caption: 'Source addresses as the responders saw them, by ingress node',
      columns: [
        { title: 'ingress' },
        { title: 'vantage' },
        { title: 'VIP' },
        { title: 'policy' },
        right('flows'),
        { title: 'source' },
        { title: 'rewritten by' },
      ],
      rows: sourceIp.map((row) => [
        pathChip(row.ingress === 'unknown' ? null : row.ingress, palette),
        row.vantage,
        row.vip,
        `${row.policy}, IPv${String(row.family)}`,
        formatCount(row.flows),
        row.verdict === 'preserved' ? row.verdict : h('strong', null, row.verdict),
        row.rewrittenBy ?? '–',
      ]),
    }),
  );
}

export function pathsSection({ paths }: Report, palette: Palette): Markup {
  if (paths.length === 0) return section('paths', 'Paths', nothing('Not known: no exchange was counted.'));
  // Availabilities crowd below 100 %: a bar from 0 would show them all alike.
  const lowest = Math.min(...paths.map(({ availability }) => availability.low));
  const from = [0.999, 0.99, 0.95, 0.9, 0.5].find((floor) => floor <= lowest) ?? 0;
  return section(
    'paths',
    'Paths',
    table({
      caption: 'Availability and latency by path and phase',
      columns: [
        { title: 'path' },
        { title: 'from' },
        { title: 'phase' },
        right('available'),
        { title: `95% interval, drawn from ${formatPercent(from)} to 100%` },
        right('ok'),
        right('late'),
        right('lost'),
        right('not sent'),
        right('invalid'),
        right('p50'),
        right('p99'),
      ],
      rows: paths.map(({ ingress, vantage, vip, router, phase, availability, tally, rttMs }) => {
        const judged = tally.ok + tally.late + tally.lost;
        return [
          pathChip(ingress === 'unknown' ? null : ingress, palette),
          `${vantage} to ${vip}${router === null ? '' : ` via ${router}`}`,
          phase,
          judged === 0 ? 'unknown' : formatPercent(availability.value),
          judged === 0
            ? 'unknown'
            : h(
                'span',
                { class: 'share beside' },
                rangeBar(availability, { from }),
                h('span', { class: 'under' }, formatInterval({ n: judged, ...availability })),
              ),
          ...[tally.ok, tally.late, tally.lost, tally.notSent, tally.invalid].map(formatCount),
          ...[rttMs.p50, rttMs.p99].map((ms) => (tally.ok === 0 ? 'unknown' : formatMs(ms))),
        ];
      }),
    }),
  );
}

export function interruptionsSection({ interruptions }: Report): Markup {
  if (interruptions.length === 0) return section('interruptions', 'Interruptions', nothing('None.'));
  return section(
    'interruptions',
    'Interruptions',
    h('p', { class: 'muted' }, "From the last good exchange to the next, on the same UDP flow or on the TCP flow's replacement."),
    table({
      caption: 'Lengths of interruptions',
      columns: [
        { title: 'window' },
        { title: 'vantage' },
        { title: 'protocol' },
        { title: 'VIP' },
        right('n'),
        right('p50'),
        right('p99'),
        right('longest'),
      ],
      rows: interruptions.map(interruptionCells),
    }),
  );
}

export function faultsSection({ faults }: Report): Markup {
  if (faults.length === 0) return section('faults', 'Faults', nothing('None: nothing was broken on purpose.'));
  return section(
    'faults',
    'Faults',
    table({
      caption: 'Faults, when they were in force, and what became of their reverts',
      columns: [
        { title: 'id' },
        { title: 'fault' },
        { title: 'target' },
        right('planned for'),
        right('in force at'),
        right('reverted at'),
        { title: 'revert' },
      ],
      rows: faults.map((fault) => [
        fault.id,
        fault.kind,
        fault.target,
        formatMs(fault.plannedForMs),
        formatT(fault.inForceT),
        formatT(fault.revertedT),
        fault.state === 'verified' ? fault.state : h('strong', { class: 'alarm' }, fault.state),
      ]),
    }),
  );
}

export function healthSection({ health }: Report): Markup {
  if (health.length === 0) return section('health', 'Health of the probers', nothing('Not known: no prober was ready.'));
  return section(
    'health',
    'Health of the probers',
    table({
      caption: 'Seconds in which a prober was ill, which count for nothing',
      columns: [{ title: 'vantage' }, right('ill'), right('of'), { title: 'why' }, right('clock error')],
      rows: health.map((row) => [...healthCells(row), row.clockErrMs === 0 ? 'none' : `at most ${formatMs(row.clockErrMs)}`]),
    }),
  );
}
