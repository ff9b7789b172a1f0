// A table for eyes, keyboards and screen readers; on a narrow screen its rows become cards or it scrolls sideways.
import type { ComponentChildren } from 'preact';

export type Column = {
  title: ComponentChildren;
  /** The title as plain text, where it is not one: it stands beside the cell on a card. */
  label?: string;
  align?: 'right';
};

type TableProps = {
  /** Says what the table shows; read aloud, not drawn. */
  caption: string;
  columns: readonly Column[];
  /** The first cell heads its row. */
  rows: readonly { key: string; cells: readonly ComponentChildren[] }[];
  className?: string;
};

/** Roles are written out because a browser forgets them once a style sheet lays out rows as cards. */
export function Table({ caption, columns, rows, className = '' }: TableProps) {
  const alignOf = (index: number) => (columns[index]?.align === 'right' ? 'num' : undefined);
  const labelOf = (index: number) => {
    const { title, label } = columns[index] ?? { title: '' };
    return label ?? (typeof title === 'string' ? title : '');
  };
  return (
    <table role="table" class={`cards ${className}`}>
      <caption class="unseen">{caption}</caption>
      <thead role="rowgroup">
        <tr role="row">
          {columns.map(({ title }, index) => (
            <th key={index} scope="col" role="columnheader" class={alignOf(index)}>
              {title}
            </th>
          ))}
        </tr>
      </thead>
      <tbody role="rowgroup">
        {rows.map(({ key, cells }) => (
          <tr key={key} role="row">
            {cells.map((cell, index) =>
              index === 0 ? (
                <th key={index} scope="row" role="rowheader" class={alignOf(index)}>
                  {cell}
                </th>
              ) : (
                <td key={index} role="cell" class={alignOf(index)} data-label={labelOf(index)}>
                  <span class="value">{cell}</span>
                </td>
              ),
            )}
          </tr>
        ))}
      </tbody>
    </table>
  );
}
