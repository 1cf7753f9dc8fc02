/** Each function returns the quoted text, or throws for what the notation cannot carry. */
const refuse = (value: string, characters: RegExp, what: string): void => {
  if (characters.test(value)) throw new TypeError(`${what} must not contain line breaks or NUL bytes`);
};

// oxlint-disable-next-line no-control-regex
const NUL = /\0/;
// oxlint-disable-next-line no-control-regex
const LINE_BREAKS = /[\0\r\n]/;

/** A string in SQL. Our sessions never run with NO_BACKSLASH_ESCAPES. */
export const quoteLiteral = (value: string): string => {
  refuse(value, NUL, 'an SQL string');
  return `'${value.replaceAll('\\', '\\\\').replaceAll("'", "''")}'`;
};

/** An account: `'name'@'host'`. */
export const quoteAccount = (name: string, host: string): string => `${quoteLiteral(name)}@${quoteLiteral(host)}`;

/** A value in an option file. */
export const quoteOption = (value: string): string => {
  refuse(value, LINE_BREAKS, 'a configuration value');
  return /^[A-Za-z0-9_./:@%+,-]*$/.test(value) ? value : `"${value.replaceAll('\\', '\\\\').replaceAll('"', '\\"')}"`;
};
