// The causes of a window as a table: when, what, what became of the routes, and whom it broke.
import type { WindowCause, WindowReport } from '../../core/report-format.ts';
import { evidenceText, unexplainedText } from '../causes.ts';
import { formatCount, formatInterval, formatShare, formatT } from '../format.ts';
import { h, type Child } from './markup.ts';
import { rangeBar, table } from './table.ts';

/** Null where no cluster was watched, or nothing happened in it and nothing broke. */
export function causesOf({ causes = [], unexplained = [] }: WindowReport, title: string): Child {
  if (causes.length + unexplained.length === 0) return null;
  return [
    causes.length === 0
      ? null
      : table({
          caption: `What happened in the cluster, and whom it broke. ${title}`,
          isCards: true,
          className: 'causes',
          columns: [{ title: 'at' }, { title: 'what happened' }, { title: 'flows of' }, { title: 'broken by it' }],
          rows: causes.map((cause) => [
            formatT(cause.t),
            [cause.what, cause.effect === null ? null : h('span', { class: 'under' }, cause.effect)],
            cause.vip ?? 'no VIP alone',
            brokenCell(cause),
          ]),
        }),
    unexplained.length === 0
      ? null
      : h(
          'ul',
          { class: 'plain' },
          unexplained.map((row) => h('li', null, unexplainedText(row))),
        ),
  ];
}

function brokenCell(cause: WindowCause): Child {
  if (cause.broken.length === 0) return h('span', { class: 'muted' }, 'no flow of this run');
  return [
    cause.broken.map(({ protocol, share, byCause }) => {
      const causes = Object.entries(byCause).sort(([a], [b]) => (a < b ? -1 : 1));
      return h(
        'span',
        { class: share.count === 0 ? 'share zero' : 'share' },
        `${protocol} `,
        h('b', null, formatCount(share.count)),
        ` of ${formatCount(share.n)}`,
        share.count === 0
          ? null
          : [
              ` ${formatShare(share)}`,
              rangeBar({ ...share, value: share.count / Math.max(1, share.n) }, { isHarm: true }),
              h(
                'span',
                { class: 'under' },
                `${formatInterval(share)}; ${causes.map(([name, flows]) => `${formatCount(flows)} ${name}`).join(', ')}`,
              ),
            ],
      );
    }),
    evidenceText(cause).map((text) => h('span', { class: 'under' }, text)),
  ];
}
