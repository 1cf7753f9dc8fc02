import { stripVTControlCharacters } from 'node:util';

/** Draws a table with a title in its frame, as wide as its widest cells. Cells may carry colours. */
export const drawTable = (
  title: string,
  columns: readonly string[],
  rows: readonly (readonly string[])[],
  options: { readonly right?: readonly string[] } = {},
): string => {
  const widths = columns.map((name, i) => Math.max(width(name), ...rows.map((row) => width(row[i] ?? ''))));
  const bar = (text: string): string => {
    const line = `+${widths.map((w) => '-'.repeat(w + 2)).join('+')}+`;
    const head = text === '' ? '' : `+ ${text} `;
    return head.length >= line.length ? head.trimEnd() : head + line.slice(head.length);
  };
  const draw = (cells: readonly string[]): string =>
    `|${cells.map((cell, i) => ` ${pad(cell, widths[i] ?? 0, options.right?.includes(columns[i] ?? '') === true)} `).join('|')}|`;
  return [bar(title), draw(columns), bar(''), ...rows.map(draw), ...(rows.length === 0 ? [] : [bar('')])].join('\n');
};

const pad = (cell: string, to: number, right: boolean): string => {
  const space = ' '.repeat(Math.max(0, to - width(cell)));
  return right ? space + cell : cell + space;
};

const width = (text: string): number => stripVTControlCharacters(text).length;
