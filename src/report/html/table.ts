// Tables for eyes, keyboards and screen readers; and the small marks that stand in their cells.
import type { Verdict } from '../../core/report-format.ts';
import { placeInterval, type IntervalOfShare } from '../drawing/interval.ts';
import type { Palette } from '../drawing/palette.ts';
import { VERDICT_MARKS } from '../drawing/verdict-marks.ts';
import { h, type Child, type Markup } from './markup.ts';

export type Column = {
  title: Child;
  /** The title as plain text, where it is not one. */
  label?: string;
  align?: 'right';
};

export type TableOptions = {
  /** Says what the table shows; read aloud, not drawn. */
  caption: string;
  columns: readonly Column[];
  /** The first cell heads its row. */
  rows: readonly (readonly Child[])[];
  /** Each row becomes a card on a narrow screen; else the table scrolls sideways. */
  isCards?: boolean;
  className?: string;
  id?: string;
};

/** A table; roles are written out because a browser forgets them once a style sheet lays out rows as cards. */
export function table({ caption, columns, rows, isCards = false, className = '', id }: TableOptions): Markup {
  const alignOf = (index: number) => (columns[index]?.align === 'right' ? 'num' : null);
  const head = columns.map(({ title }, index) => h('th', { scope: 'col', role: 'columnheader', class: alignOf(index) }, title));
  const body = rows.map((row) =>
    h(
      'tr',
      { role: 'row' },
      row.map((cell, index) => {
        const { title, label } = columns[index] ?? { title: '' };
        const attributes = { class: alignOf(index), 'data-label': label ?? (typeof title === 'string' ? title : '') };
        return index === 0
          ? h('th', { ...attributes, scope: 'row', role: 'rowheader' }, cell)
          : h('td', { ...attributes, role: 'cell' }, h('span', { class: 'value' }, cell));
      }),
    ),
  );
  const markup = h(
    'table',
    { role: 'table', class: [isCards ? 'cards' : '', className].join(' ').trim() || null, id: id ?? null },
    h('caption', { class: 'unseen' }, caption),
    h('thead', { role: 'rowgroup' }, h('tr', { role: 'row' }, head)),
    h('tbody', { role: 'rowgroup' }, body),
  );
  return isCards ? markup : h('div', { class: 'scroll', tabindex: 0, role: 'region', 'aria-label': caption }, markup);
}

/** A path by its ingress node: its colour, and always its name. */
export function pathChip(path: string | null, palette: Palette): Markup {
  return h('span', { class: 'path' }, h('i', { class: `chip ${palette(path)}` }), path ?? 'unknown');
}

/** The interval of a share as a bar from `low` to `high` with a stroke at the value; the numbers stand beside it. */
export function rangeBar(share: IntervalOfShare, options: { from?: number; isHarm?: boolean } = {}): Markup {
  const { from = 0, isHarm = false } = options;
  const { x, width, value } = placeInterval(share, from);
  return h(
    'svg',
    { class: isHarm ? 'range harm' : 'range', viewBox: '0 0 100 10', preserveAspectRatio: 'none', 'aria-hidden': 'true' },
    h('rect', { class: 'track', x: 0, y: 4, width: 100, height: 2 }),
    h('rect', { class: 'span', x, y: 2, width, height: 6 }),
    h('path', { class: 'value', d: `M${String(value)} 0V10` }),
  );
}

/** A verdict as mark and word. */
export function verdictBadge(verdict: Verdict): Markup {
  const mark = h('span', { class: 'mark', 'aria-hidden': 'true' }, VERDICT_MARKS[verdict]);
  return h('span', { class: `verdict ${verdict}` }, mark, verdict);
}

/** A section with a heading that can be linked to. */
export function section(id: string, title: string, ...content: Child[]): Markup {
  return h('section', { id, 'aria-labelledby': `${id}-title` }, h('h2', { id: `${id}-title` }, title), ...content);
}

/** Says that there is nothing, where a blank would leave one wondering. */
export function nothing(text: string): Markup {
  return h('p', { class: 'nothing' }, text);
}
