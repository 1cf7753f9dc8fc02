import type { z } from 'zod';
import { closest } from './suggest.ts';
import { childrenOf, type AnySchema } from './schema-walk.ts';

/** One thing that is wrong with a configuration. */
export interface Fault {
  /** `postgresql.port`, `etcd.endpoints[0]`; empty for the whole file. */
  readonly path: string;
  /** The same as single names and list indexes. */
  readonly at: readonly PropertyKey[];
  /** What was found there; never a secret. */
  readonly found: string;
  /** What would be right, and where to set it instead. */
  readonly wanted: string;
  /** Line in the file, counted from 1. */
  readonly line?: number;
  /** The environment variable that the value came from. */
  readonly env?: string;
}

/** What reading a configuration leads to: the value, or every fault at once. */
export type Result<T> =
  { readonly kind: 'ok'; readonly value: T } | { readonly kind: 'faults'; readonly faults: readonly Fault[] };

/** The path as people write it. */
const pathText = (path: readonly PropertyKey[]): string =>
  path
    .map((part, index) => (typeof part === 'number' ? `[${part}]` : `${index === 0 ? '' : '.'}${String(part)}`))
    .join('');

/** A fault at a path. `found` is shown as it is: pass a secret through `show` first. */
export const faultAt = (at: readonly PropertyKey[], found: string, wanted: string): Fault => ({
  path: pathText(at),
  at,
  found,
  wanted,
});

const SECRET = /pass(word|phrase)?$|secret$|token$/i;

/** A value as a fault shows it: short, printable, and `***` where its name says that it is a secret. */
const show = (value: unknown, path: readonly PropertyKey[] = []): string => {
  if (value === undefined) return 'nothing';
  if (path.some((part) => typeof part === 'string' && SECRET.test(part)) && value !== null) return '***';
  if (Array.isArray(value)) return `a list of ${value.length}`;
  if (typeof value === 'object' && value !== null) return 'a section';
  const text = JSON.stringify(value) ?? typeof value;
  return text.length > 80 ? `${text.slice(0, 80)}…` : text;
};

/** The value at a path, following own properties only. */
export const valueAt = (input: unknown, path: readonly PropertyKey[]): unknown =>
  path.reduce<unknown>(
    (value, part) =>
      typeof value === 'object' && value !== null && Object.hasOwn(value, part)
        ? Object.getOwnPropertyDescriptor(value, part)?.value
        : undefined,
    input,
  );

/** Settings that other tools have under another name. */
export type OtherNames = ReadonlyMap<string, string>;

/**
 * Every issue that zod found, as faults: where, what was found, what would be right. For an unknown name it says which
 * setting was probably meant: a name of another tool, or the closest one of the same section.
 */
export const faultsOf = (
  error: z.ZodError,
  input: unknown,
  schema: AnySchema,
  otherNames: OtherNames = new Map(),
): readonly Fault[] =>
  error.issues.flatMap((issue): readonly Fault[] => {
    const found = valueAt(input, issue.path);
    if (issue.code === 'unrecognized_keys') return unknownKeys(issue.path, issue.keys, schema, otherNames);
    if (issue.code === 'invalid_union' || issue.code === 'invalid_key' || issue.code === 'invalid_element')
      return [faultAt(issue.path, show(found, issue.path), issue.message)];
    const named: unknown = issue.code === 'custom' ? issue.params?.['found'] : undefined;
    return [faultAt(issue.path, typeof named === 'string' ? named : show(found, issue.path), wantedBy(issue))];
  });

/** Suggestions cost time; a hostile document must not buy much of it with many names. */
const MOST_UNKNOWN = 50;

const unknownKeys = (
  section: readonly PropertyKey[],
  keys: readonly string[],
  schema: AnySchema,
  otherNames: OtherNames,
): readonly Fault[] => {
  const faults = keys.slice(0, MOST_UNKNOWN).map((key) => unknownKey([...section, key], schema, otherNames));
  const rest = keys.length - faults.length;
  return rest === 0 ? faults : [...faults, faultAt(section, `${rest} more settings that do not exist`, 'none of them')];
};

const unknownKey = (path: readonly PropertyKey[], schema: AnySchema, otherNames: OtherNames): Fault => {
  const known = Object.keys(childrenOf(schema, path.slice(0, -1)) ?? {});
  const name = String(path.at(-1));
  const text = pathText(path);
  const other = otherNames.get(text) ?? otherNames.get(name);
  const near = closest(name, known);
  const hint =
    other !== undefined
      ? `that is ${other} here`
      : near !== undefined
        ? `did you mean ${pathText([...path.slice(0, -1), near])}?`
        : `known here: ${known.join(', ')}`;
  return faultAt(path, 'a setting that does not exist', hint);
};

const KINDS: Readonly<Record<string, string>> = {
  string: 'text',
  number: 'a number',
  int: 'a whole number',
  boolean: 'true or false',
  array: 'a list',
  object: 'a section',
  record: 'a section of names and values',
};

const wantedBy = (issue: z.core.$ZodIssue): string => {
  if (issue.code === 'invalid_type') return KINDS[issue.expected] ?? issue.expected;
  if (issue.code === 'invalid_value') return `one of ${issue.values.map(String).join(', ')}`;
  if (issue.code === 'too_small') return `at least ${issue.minimum}${counted(issue.origin)}`;
  if (issue.code === 'too_big') return `at most ${issue.maximum}${counted(issue.origin)}`;
  return issue.message;
};

const counted = (origin: string): string => {
  if (origin === 'array') return ' entries';
  return origin === 'string' ? ' characters' : '';
};

/** Faults as lines for people, one each: place, path, what was found, what would be right. */
export const faultLines = (faults: readonly Fault[]): readonly string[] =>
  faults.map((fault) => {
    const place = fault.env ?? (fault.line === undefined ? undefined : `line ${fault.line}`);
    const where = [place, fault.path === '' ? undefined : fault.path].filter((part) => part !== undefined).join(': ');
    return `${where === '' ? '' : `${where}: `}found ${fault.found}; wanted: ${fault.wanted}`;
  });
