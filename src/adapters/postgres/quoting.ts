/**
 * The four notations in which a value can be hostile. Each function returns the quoted text or throws for what the notation
 * cannot carry at all (a NUL byte; a line break in a file of one entry a line).
 */
const refuse = (value: string, characters: RegExp, what: string): void => {
  if (characters.test(value)) throw new TypeError(`${what} must not contain line breaks or NUL bytes`);
};

// oxlint-disable-next-line no-control-regex
const NUL = /\0/;
// oxlint-disable-next-line no-control-regex
const LINE_BREAKS = /[\0\r\n]/;

/** A string in SQL: `'it''s'`, and an escape string where it holds a backslash. */
export const quoteLiteral = (value: string): string => {
  refuse(value, NUL, 'an SQL string');
  const quoted = `'${value.replaceAll("'", "''").replaceAll('\\', '\\\\')}'`;
  return value.includes('\\') ? ` E${quoted}` : quoted;
};

/** A name in SQL, always quoted: `"first"`, `"a""b"`. */
export const quoteIdentifier = (name: string): string => {
  refuse(name, NUL, 'an SQL name');
  return `"${name.replaceAll('"', '""')}"`;
};

/** A value in postgresql.conf. */
export const quoteSetting = (value: string): string => {
  refuse(value, LINE_BREAKS, 'a configuration value');
  return `'${value.replaceAll('\\', '\\\\').replaceAll("'", "''")}'`;
};

/** A value in a libpq connection string. */
export const quoteConninfo = (value: string): string => {
  refuse(value, NUL, 'a connection parameter');
  return `'${value.replaceAll('\\', '\\\\').replaceAll("'", "\\'")}'`;
};

/** A name in pg_hba.conf, always quoted, so that it is never a keyword, a group or a file. */
export const quoteAccess = (name: string): string => {
  refuse(name, LINE_BREAKS, 'a name in an access rule');
  return `"${name.replaceAll('"', '""')}"`;
};

/** A field of a password file. */
export const quotePassfile = (field: string): string => {
  refuse(field, LINE_BREAKS, 'a password file entry');
  return field.replaceAll('\\', '\\\\').replaceAll(':', '\\:');
};

/** A conninfo string of several parameters, in their order. */
export const conninfo = (parameters: Readonly<Record<string, string | number>>): string =>
  Object.entries(parameters)
    .map(([key, value]) => `${key}=${quoteConninfo(String(value))}`)
    .join(' ');
