// Tables and paragraphs of text that fit a given number of columns.
import { widthOf } from './paint.ts';

export type TextColumn = {
  /** Its lines are separated by line feeds. */
  title: string;
  align?: 'right';
  /** May be narrowed, its text wrapped, when the table is too wide. */
  wraps?: true;
};

const GAP = '  ';

/** A table as lines, at most `width` wide as long as its wrapping columns have room to give. */
export function textTable(columns: readonly TextColumn[], rows: readonly (readonly string[])[], width: number): string[] {
  const { head, body } = textRows(columns, rows, width);
  return [...head, ...body.flat()];
}

/** Like `textTable`, with the lines of each row apart, for those who have more to say below a row. */
export function textRows(
  columns: readonly TextColumn[],
  rows: readonly (readonly string[])[],
  width: number,
): { head: string[]; body: string[][] } {
  const widths = fit(columns, rows, width);
  const titles = columns.map((column) => column.title);
  return {
    head: titles.some((title) => title !== '') ? renderRow(titles, columns, widths) : [],
    body: rows.map((row) => renderRow(row, columns, widths)),
  };
}

function fit(columns: readonly TextColumn[], rows: readonly (readonly string[])[], width: number): number[] {
  const natural = columns.map((column, index) => Math.max(...[column.title, ...rows.map((row) => row[index] ?? '')].map(widthOfLines)));
  let excess = natural.reduce((sum, each) => sum + each, 0) + GAP.length * (columns.length - 1) - width;
  // Takes from the widest wrapping column first, never below what a short word needs.
  while (excess > 0) {
    const candidates = columns.flatMap((column, index) => (column.wraps && (natural[index] ?? 0) > 8 ? [index] : []));
    const widest = candidates.sort((a, b) => (natural[b] ?? 0) - (natural[a] ?? 0))[0];
    if (widest === undefined) break;
    natural[widest] = (natural[widest] ?? 0) - 1;
    excess -= 1;
  }
  return natural;
}

function widthOfLines(text: string): number {
  return Math.max(...text.split('\n').map(widthOf));
}

function renderRow(row: readonly string[], columns: readonly TextColumn[], widths: readonly number[]): string[] {
  const cells = columns.map((_, index) => (row[index] ?? '').split('\n').flatMap((line) => wrapText(line, widths[index] ?? 0)));
  const height = Math.max(...cells.map((lines) => lines.length));
  return Array.from({ length: height }, (_, line) =>
    cells
      .map((lines, index) => pad(lines[line] ?? '', widths[index] ?? 0, columns[index]?.align))
      .join(GAP)
      .trimEnd(),
  );
}

function pad(text: string, width: number, align: 'right' | undefined): string {
  const fill = ' '.repeat(Math.max(0, width - widthOf(text)));
  return align === 'right' ? fill + text : text + fill;
}

/** Lines of at most `width`, broken between words, or within a word that is longer than a line. */
export function wrapText(text: string, width: number): string[] {
  const lines: string[] = [];
  let line = '';
  for (const word of text.split(' ')) {
    const longer = line === '' ? word : `${line} ${word}`;
    if (widthOf(longer) <= width) {
      line = longer;
      continue;
    }
    if (line !== '') lines.push(line);
    const characters = Array.from(word);
    // A painted word is left whole: cutting it could part an escape sequence.
    while (characters.length > width && width > 0 && characters.length === widthOf(word)) lines.push(characters.splice(0, width).join(''));
    line = characters.join('');
  }
  return [...lines, line];
}

/** Blocks of lines beside each other as far as `width` allows, the next ones below. */
export function sideBySide(blocks: readonly (readonly string[])[], width: number): string[] {
  const gap = 4;
  const bands: { blocks: (readonly string[])[]; width: number }[] = [];
  for (const block of blocks) {
    const blockWidth = Math.max(...block.map(widthOf));
    const band = bands.at(-1);
    if (band && band.width + gap + blockWidth <= width) {
      band.blocks.push(block);
      band.width += gap + blockWidth;
    } else bands.push({ blocks: [block], width: blockWidth });
  }
  return bands.flatMap((band, index) => [...(index > 0 ? [''] : []), ...joinBlocks(band.blocks, gap)]);
}

function joinBlocks(blocks: readonly (readonly string[])[], gap: number): string[] {
  const height = Math.max(...blocks.map((block) => block.length));
  const widths = blocks.map((block) => Math.max(...block.map(widthOf)));
  return Array.from({ length: height }, (_, line) =>
    blocks
      .map((block, index) => pad(block[line] ?? '', widths[index] ?? 0, undefined))
      .join(' '.repeat(gap))
      .trimEnd(),
  );
}
