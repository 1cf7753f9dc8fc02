import { compileLocal } from './compile.ts';
import { readDocument, type ConfigDocument } from './document.ts';
import { fromEnvironment, leavesOf, type FromEnvironment } from './environment.ts';
import { faultAt, faultsOf, valueAt, type Fault, type Result } from './faults.ts';
import { createHost, type Host } from './host.ts';
import type { LocalConfig } from './local.ts';
import { localSchema, OTHER_LOCAL_NAMES } from './local-schema.ts';
import { OTHERS_READ } from './secrets.ts';

export interface Loaded {
  readonly config: LocalConfig;
  /** What is odd, but no fault. */
  readonly notes: readonly string[];
}

/**
 * Reads the local configuration: the file, then the environment over it. Gives every fault at once, with the line or the
 * variable that it is about; never throws.
 * @param path of the YAML file; `undefined` where everything comes from the environment
 */
export const loadConfig = (
  path: string | undefined,
  env: Readonly<Record<string, string | undefined>>,
  host: Host = createHost(),
): Result<Loaded> => {
  const file = path === undefined ? undefined : host.read(path);
  if (file?.kind === 'unreadable')
    return { kind: 'faults', faults: [faultAt([], `${path}: ${file.why}`, 'a file that can be read')] };
  const document = readDocument(file?.text ?? '{}');
  if (document.kind === 'faults') return document;
  const given = fromEnvironment(localSchema, env);
  const input = given.values.reduce<unknown>(
    (value, each) => withValue(value, each.path, each.value),
    document.value.value,
  );
  const faults: Fault[] = [];
  if (file !== undefined && (file.mode & OTHERS_READ) !== 0 && holdsSecret(document.value.value))
    faults.push(
      faultAt([], `secrets in ${path}, which others can read (mode ${file.mode.toString(8)})`, `chmod 600 ${path}`),
    );
  const compiled = compileInput(input, host);
  if (compiled.kind === 'faults') faults.push(...compiled.faults);
  if (faults.length > 0 || compiled.kind === 'faults')
    return { kind: 'faults', faults: placed(faults, document.value, given) };
  return { kind: 'ok', value: { config: compiled.value, notes: given.notes } };
};

/** Where the form is at fault, the rest is compiled without the faulty settings, so that nothing stays unsaid. */
const compileInput = (input: unknown, host: Host): Result<LocalConfig> => {
  const read = localSchema.safeParse(input);
  if (read.success) return compileLocal(read.data, host);
  const faults = faultsOf(read.error, input, localSchema, OTHER_LOCAL_NAMES);
  const rest = localSchema.safeParse(faults.reduce((value, { at }) => without(value, at), input));
  const more = rest.success ? compileLocal(rest.data, host) : undefined;
  const others = more?.kind === 'faults' ? more.faults : [];
  const news = others.filter((fault) => !faults.some(({ at }) => below(fault.at, at) || below(at, fault.at)));
  return { kind: 'faults', faults: [...faults, ...news] };
};

const below = (path: readonly PropertyKey[], above: readonly PropertyKey[]): boolean =>
  above.every((part, index) => path[index] === part);

/** A copy without the setting at this path; a list with a faulty entry goes as a whole. */
const without = (section: unknown, path: readonly PropertyKey[]): unknown => {
  const [name, ...rest] = path;
  if (!isSection(section) || typeof name !== 'string') return section;
  if (rest.length > 0 && isSection(section[name])) return { ...section, [name]: without(section[name], rest) };
  return Object.fromEntries(Object.entries(section).filter(([key]) => key !== name));
};

const isSection = (value: unknown): value is Readonly<Record<string, unknown>> =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

/** A copy with one value replaced; sections that are missing on the way are made. */
const withValue = (section: unknown, path: readonly string[], value: unknown): unknown => {
  const [name, ...rest] = path;
  if (name === undefined) return value;
  const fields = isSection(section) ? section : {};
  return { ...fields, [name]: withValue(fields[name], rest, value) };
};

const holdsSecret = (input: unknown): boolean =>
  leavesOf(localSchema)
    .map((leaf) => leaf.path)
    .filter((path) => /(password|secret)$/.test(path.at(-1) ?? ''))
    .some((path) => valueAt(input, path) !== undefined);

/** Adds to each fault where it stands: the environment variable, or the line of the file. */
const placed = (faults: readonly Fault[], document: ConfigDocument, given: FromEnvironment): readonly Fault[] =>
  faults
    .map((fault): Fault => {
      const env = given.values.find((each) => each.path.every((part, index) => fault.at[index] === part))?.env;
      if (env !== undefined) return { ...fault, env };
      const line = document.lineOf(fault.at);
      return line === undefined ? fault : { ...fault, line };
    })
    .sort((a, b) => (a.line ?? 0) - (b.line ?? 0));
