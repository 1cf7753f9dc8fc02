/** Names whose values never reach the log, at any depth. */
const SECRET = /pass(word|wd|phrase|file)?$|secret|token|authorization|cookie|credential|private_?key/i;

/** Secrets inside text: connection strings, addresses with a password, command lines. */
const IN_TEXT =
  /\b(pass(?:word|wd|file|phrase)?|secret|token|authorization)(["']?\s*[=:]\s*)(?:'[^']*'|"[^"]*"|(?:basic|bearer)\s+[^\s,;]+|[^\s,;'"&]+)/gi;
const IN_ADDRESS = /(\/\/[^\s/:@]*):[^\s/@]+@/g;

const DEEPEST = 6;
const MOST_ENTRIES = 200;

/** Text without the secrets that its form gives away. */
export const redactText = (text: string): string => text.replace(IN_TEXT, '$1$2***').replace(IN_ADDRESS, '$1:***@');

/**
 * A copy of `value` that can be printed as JSON: secrets as `***`, bigints as text, errors as name, message, code, cause
 * and stack. Deep and long values are cut off. Never throws.
 */
export const redact = (value: unknown, depth = 0): unknown => {
  try {
    return copied(value, depth);
  } catch {
    return 'not printable';
  }
};

const copied = (value: unknown, depth: number): unknown => {
  if (typeof value === 'string') return redactText(value);
  if (typeof value === 'bigint') return value.toString();
  if (typeof value === 'function' || typeof value === 'symbol') return undefined;
  if (typeof value !== 'object' || value === null) return value;
  if (depth > DEEPEST) return '…';
  if (ArrayBuffer.isView(value)) return `${value.byteLength} bytes`;
  if (value instanceof Error) return errorFields(value, depth);
  if ('toJSON' in value && typeof value.toJSON === 'function') return redact(value.toJSON(), depth + 1);
  if (value instanceof Map) return redact(Object.fromEntries(value), depth);
  const items: unknown = value instanceof Set ? [...value] : value;
  if (Array.isArray(items)) return items.slice(0, MOST_ENTRIES).map((each) => redact(each, depth + 1));
  return Object.fromEntries(
    Object.entries(value)
      .slice(0, MOST_ENTRIES)
      .map(([key, each]) => [key, SECRET.test(key) && each !== undefined ? '***' : redact(each, depth + 1)]),
  );
};

const errorFields = (error: Error, depth: number): unknown => ({
  type: error.name,
  message: redactText(error.message),
  ...('code' in error ? { code: redact(error.code, depth + 1) } : {}),
  ...(error.cause === undefined ? {} : { cause: redact(error.cause, depth + 1) }),
  stack: error.stack === undefined ? undefined : redactText(error.stack),
});
