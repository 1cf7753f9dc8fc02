/** Structured log. The first field of every line is a stable event name; secrets are redacted by the adapter. */
export interface Log {
  debug(event: string, message: string, fields?: Readonly<Record<string, unknown>>): void;
  info(event: string, message: string, fields?: Readonly<Record<string, unknown>>): void;
  warn(event: string, message: string, fields?: Readonly<Record<string, unknown>>): void;
  error(event: string, message: string, fields?: Readonly<Record<string, unknown>>): void;
  child(fields: Readonly<Record<string, unknown>>): Log;
}
