/** A table of Markdown; cells may hold anything but line breaks. */
export const table = (head: readonly string[], rows: readonly (readonly string[])[]): string =>
  [head, head.map(() => '---'), ...rows].map((cells) => `| ${cells.map(cell).join(' | ')} |`).join('\n');

const cell = (text: string): string => text.replaceAll('|', '\\|').replaceAll('\n', ' ');

/** Text as code, whatever is in it. */
export const code = (text: string): string => (text === '' ? '' : text.includes('`') ? text : `\`${text}\``);
