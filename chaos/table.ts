/** Rows below a heading, in columns as wide as they need. */
export const table = (
  heading: readonly string[],
  rows: readonly (readonly (string | number | undefined)[])[],
): string => {
  const cells = [heading, ...rows.map((row) => row.map((cell) => (cell === undefined ? '-' : String(cell))))];
  const widths = heading.map((_, column) => Math.max(...cells.map((row) => (row[column] ?? '').length)));
  return cells
    .map((row) =>
      row
        .map((cell, column) => cell.padEnd(widths[column] ?? 0))
        .join('  ')
        .trimEnd(),
    )
    .join('\n');
};
