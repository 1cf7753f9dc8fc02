import type { z } from 'zod';
import { compileSettings } from '../config/settings.ts';
import { faultLines } from '../config/faults.ts';
import { parseMemberName, type MemberName, type Term } from '../core/brand.ts';
import type {
  ClusterView,
  ConfigVersion,
  Failsafe,
  Heartbeat,
  HistoryEntry,
  Initialize,
  Intent,
  Keyed,
  MemberRecord,
  Pledge,
  Suspicion,
  SyncEntry,
} from '../core/model.ts';
import type { PositionAlgebra } from '../core/position.ts';
import type { KeyRef } from '../core/transaction.ts';
import type { KeyValue, RangeResult } from '../ports/consensus.ts';
import { nameOf, parseName } from './paths.ts';
import * as schemas from './schemas.ts';
import { checkShape, printable } from './shape.ts';

const LARGEST_VALUE = 256 * 1024;
const MOST_PROBLEMS = 100;

/** What was read so far; one slot for each kind of key. */
interface Found {
  leader?: Keyed<MemberName>;
  initialize?: Keyed<Initialize>;
  heartbeat?: Keyed<Heartbeat>;
  history?: Keyed<HistoryEntry>;
  sync?: Keyed<readonly SyncEntry[]>;
  configuration?: Keyed<ConfigVersion>;
  failsafe?: Keyed<Failsafe>;
  readonly configVersions: Map<number, Keyed<ConfigVersion>>;
  readonly olderTerms: Map<Term, Keyed<HistoryEntry>>;
  readonly pledges: Map<MemberName, Keyed<Pledge>>;
  readonly suspects: Map<MemberName, Keyed<Suspicion>>;
  readonly members: Map<MemberName, Keyed<MemberRecord>>;
  readonly intents: Keyed<Intent>[];
  readonly fenced: Set<Term>;
}

/** What one key holds: how it goes into a view, or why it cannot be used. */
type Entry = { readonly place: (found: Found) => void } | { readonly why: string };

/** An entry with what it was read from. */
interface Kept {
  readonly from: KeyValue;
  readonly entry: Entry;
}

/**
 * Makes the cluster view of everything that stands below the prefix (which ends with a slash, see `clusterPrefix`).
 * Total: whatever a key holds, the result is a view. What cannot be understood (not JSON, wrong types or ranges, a newer
 * version, too large, a name that is not the key's) is named in `problems` and `unreadable`, and is not used.
 */
export const decodeView = (input: ViewDecoderDeps & { readonly range: RangeResult }): ClusterView =>
  createViewDecoder(input)(input.range);

export interface ViewDecoderDeps {
  readonly prefix: string;
  readonly positions: PositionAlgebra;
}

/**
 * `decodeView` for whoever reads the same keys again and again: what has not changed since the last range is not read
 * anew (its values are the same objects). Of a resting cluster that is everything but the heartbeat.
 */
export const createViewDecoder = ({ prefix, positions }: ViewDecoderDeps): ((range: RangeResult) => ClusterView) => {
  let kept: ReadonlyMap<string, Kept> = new Map();
  let compiled: { readonly from: Found['configuration']; readonly result: Compiled } | undefined;

  const entryOf = (from: KeyValue): Entry => {
    const last = kept.get(from.key);
    return last !== undefined && same(last.from, from)
      ? last.entry
      : read(parseName(from.key.slice(prefix.length)), from, positions);
  };

  return (range) => {
    const found = nothingFound();
    const unreadable = new Set<string>();
    const problems: string[] = [];
    const complain = (name: string, why: string): void => {
      unreadable.add(name);
      problems.push(`${printable(name)}: ${why}`);
    };
    const seen = new Map<string, Kept>();
    for (const from of range.keys) {
      if (!from.key.startsWith(prefix)) continue;
      const entry = entryOf(from);
      seen.set(from.key, { from, entry });
      if ('why' in entry) complain(from.key.slice(prefix.length), entry.why);
      else entry.place(found);
    }
    kept = seen;
    if (compiled === undefined || compiled.from !== found.configuration)
      compiled = { from: found.configuration, result: compileFound(found.configuration) };
    if (compiled.result.why !== undefined) complain('config', compiled.result.why);
    return viewOf(range.revision, found, compiled.result.settings, unreadable, problems);
  };
};

/** Nothing of a key can change without its revision; comparing the text as well costs nothing and trusts nobody. */
const same = (a: KeyValue, b: KeyValue): boolean =>
  a.modRevision === b.modRevision && a.lease === b.lease && a.value === b.value;

const nothingFound = (): Found => ({
  configVersions: new Map(),
  olderTerms: new Map(),
  pledges: new Map(),
  suspects: new Map(),
  members: new Map(),
  intents: [],
  fenced: new Set(),
});

const viewOf = (
  revision: RangeResult['revision'],
  found: Found,
  settings: ClusterView['settings'],
  unreadable: ReadonlySet<string>,
  problems: readonly string[],
): ClusterView => ({
  revision,
  initialize: found.initialize,
  settings,
  configuration: found.configuration,
  configVersions: found.configVersions,
  leader: found.leader,
  heartbeat: found.heartbeat,
  history: found.history,
  olderTerms: found.olderTerms,
  sync: found.sync,
  pledges: found.pledges,
  suspects: found.suspects,
  failsafe: found.failsafe,
  members: found.members,
  intents: found.intents,
  fenced: found.fenced,
  unreadable,
  problems: atMost(problems),
});

const atMost = (problems: readonly string[]): readonly string[] =>
  problems.length <= MOST_PROBLEMS
    ? problems
    : [...problems.slice(0, MOST_PROBLEMS), `and ${problems.length - MOST_PROBLEMS} more`];

interface Compiled {
  readonly settings: ClusterView['settings'];
  readonly why: string | undefined;
}

const compileFound = (configuration: Keyed<ConfigVersion> | undefined): Compiled => {
  if (configuration === undefined) return { settings: undefined, why: undefined };
  const compiled = compileSettings(configuration.value.document);
  return compiled.kind === 'ok'
    ? { settings: { ...configuration, value: compiled.value }, why: undefined }
    : { settings: undefined, why: printable(faultLines(compiled.faults).join('; '), 1000) };
};

const keyed = <T>(from: KeyValue, value: T): Keyed<T> =>
  from.lease === undefined
    ? { value, modRevision: from.modRevision }
    : { value, modRevision: from.modRevision, lease: from.lease };

/** Reads one key's value, or says why it cannot be used. */
const read = (ref: KeyRef | undefined, from: KeyValue, positions: PositionAlgebra): Entry => {
  if (ref === undefined) return { why: 'is not a key that this version knows' };
  if (from.value.length > LARGEST_VALUE || Buffer.byteLength(from.value) > LARGEST_VALUE)
    return { why: `is larger than ${LARGEST_VALUE / 1024} KiB` };
  if (ref.kind === 'leader') {
    const name = parseMemberName(from.value);
    if (name === undefined) return { why: `${printable(from.value)} is not a member name` };
    const value = keyed(from, name);
    return { place: (found) => void (found.leader = value) };
  }
  const shape = checkShape(from.value);
  if (shape.kind === 'refused') return { why: shape.why };
  if (shape.value['v'] !== schemas.VERSION) return { why: versionProblem(shape.value['v']) };
  for (const field of ['position', 'from'])
    if (ref.kind !== 'intent' && shape.value[field] !== undefined && positions.parse(shape.value[field]) === undefined)
      return { why: `${field} is not a position of this cluster's engine` };
  return readValue(ref, from, shape.value, positions);
};

const versionProblem = (v: unknown): string =>
  typeof v === 'number' && Number.isInteger(v) && v > schemas.VERSION
    ? `was written by a newer version (v ${v}; this agent knows ${schemas.VERSION}): upgrade this agent`
    : `has no known version (v is ${printable(JSON.stringify(v) ?? 'missing')}, not ${schemas.VERSION})`;

type Read<T> = (positions: PositionAlgebra) => T;

const readValue = (
  ref: Exclude<KeyRef, { kind: 'leader' }>,
  from: KeyValue,
  raw: unknown,
  positions: PositionAlgebra,
): Entry => {
  const as = <T>(
    schema: z.ZodType<Read<T>>,
    put: (found: Found, value: Keyed<T>) => void,
    problem: (plain: T) => string | undefined = () => undefined,
  ): Entry => {
    const result = schema.safeParse(raw);
    if (!result.success) return { why: issueText(result.error) };
    const plain = result.data(positions);
    const why = problem(plain);
    if (why !== undefined) return { why };
    const value = keyed(from, plain);
    return { place: (found) => put(found, value) };
  };
  const named = (own: string, key: string): string | undefined =>
    own === key ? undefined : `names ${printable(own)}, not the ${printable(key)} of its key`;
  switch (ref.kind) {
    case 'initialize':
      return as(schemas.initialize, (found, value) => void (found.initialize = value));
    case 'heartbeat':
      return as(schemas.heartbeat, (found, value) => void (found.heartbeat = value));
    case 'history':
      return as(schemas.history, (found, value) => void (found.history = value));
    case 'history-of':
      return as(schemas.history, (found, value) => void found.olderTerms.set(ref.term, value));
    case 'sync':
      return as(schemas.sync, (found, value) => void (found.sync = value));
    case 'config':
      return as(schemas.configVersion, (found, value) => void (found.configuration = value));
    case 'config-version':
      return as(
        schemas.configVersion,
        (found, value) => void found.configVersions.set(ref.number, value),
        ({ number }) => named(String(number), String(ref.number)),
      );
    case 'failsafe':
      return as(schemas.failsafe, (found, value) => void (found.failsafe = value));
    case 'member':
      return as(
        schemas.member,
        (found, value) => void found.members.set(ref.name, value),
        ({ name }) => named(name, ref.name),
      );
    case 'pledge':
      return as(
        schemas.pledge,
        (found, value) => void found.pledges.set(ref.name, value),
        ({ member }) => named(member, ref.name),
      );
    case 'suspect':
      return as(
        schemas.suspect,
        (found, value) => void found.suspects.set(ref.name, value),
        ({ member }) => named(member, ref.name),
      );
    case 'intent':
      return as(
        schemas.intent,
        (found, value) => void found.intents.push(value),
        ({ id }) => named(id, ref.id),
      );
    case 'fenced':
      return as(schemas.fenced, (found) => void found.fenced.add(ref.term));
    default:
      return { why: `has no reader: ${nameOf(ref satisfies never)}` };
  }
};

const issueText = (error: z.ZodError): string => {
  const [first] = error.issues;
  const more = error.issues.length > 1 ? ` (and ${error.issues.length - 1} more)` : '';
  const path = first?.path.map(String).join('.') ?? '';
  return printable(`${path === '' ? '' : `${path}: `}${first?.message ?? 'cannot be read'}${more}`, 300);
};
