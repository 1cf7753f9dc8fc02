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

/**
 * Makes the cluster view of everything that stands below the prefix (which ends with a slash, see `clusterPrefix`).
 * Total: whatever a key holds, the result is a view. What cannot be understood (not JSON, wrong types or ranges, a newer
 * version, too large, a name that is not the key's) is named in `problems` and `unreadable`, and is not used.
 */
export const decodeView = (input: {
  readonly prefix: string;
  readonly range: RangeResult;
  readonly positions: PositionAlgebra;
}): ClusterView => {
  const found: Found = {
    configVersions: new Map(),
    olderTerms: new Map(),
    pledges: new Map(),
    suspects: new Map(),
    members: new Map(),
    intents: [],
    fenced: new Set(),
  };
  const unreadable = new Set<string>();
  const problems: string[] = [];
  const complain = (name: string, why: string): void => {
    unreadable.add(name);
    problems.push(`${printable(name)}: ${why}`);
  };
  for (const each of input.range.keys) {
    if (!each.key.startsWith(input.prefix)) continue;
    const name = each.key.slice(input.prefix.length);
    const why = take(found, parseName(name), each, input.positions);
    if (why !== undefined) complain(name, why);
  }
  const settings = compileFound(found.configuration, complain);
  return {
    revision: input.range.revision,
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
  };
};

const atMost = (problems: readonly string[]): readonly string[] =>
  problems.length <= MOST_PROBLEMS
    ? problems
    : [...problems.slice(0, MOST_PROBLEMS), `and ${problems.length - MOST_PROBLEMS} more`];

const compileFound = (
  configuration: Keyed<ConfigVersion> | undefined,
  complain: (name: string, why: string) => void,
): ClusterView['settings'] => {
  if (configuration === undefined) return undefined;
  const compiled = compileSettings(configuration.value.document);
  if (compiled.kind === 'ok') return { ...configuration, value: compiled.value };
  complain('config', printable(faultLines(compiled.faults).join('; '), 1000));
  return undefined;
};

const keyed = <T>(from: KeyValue, value: T): Keyed<T> =>
  from.lease === undefined
    ? { value, modRevision: from.modRevision }
    : { value, modRevision: from.modRevision, lease: from.lease };

/** Puts one key's value where it belongs; says why when it cannot be used. */
const take = (
  found: Found,
  ref: KeyRef | undefined,
  from: KeyValue,
  positions: PositionAlgebra,
): string | undefined => {
  if (ref === undefined) return 'is not a key that this version knows';
  if (from.value.length > LARGEST_VALUE || Buffer.byteLength(from.value) > LARGEST_VALUE)
    return `is larger than ${LARGEST_VALUE / 1024} KiB`;
  if (ref.kind === 'leader') {
    const name = parseMemberName(from.value);
    if (name === undefined) return `${printable(from.value)} is not a member name`;
    found.leader = keyed(from, name);
    return undefined;
  }
  const shape = checkShape(from.value);
  if (shape.kind === 'refused') return shape.why;
  if (shape.value['v'] !== schemas.VERSION) return versionProblem(shape.value['v']);
  for (const field of ['position', 'from'])
    if (ref.kind !== 'intent' && shape.value[field] !== undefined && positions.parse(shape.value[field]) === undefined)
      return `${field} is not a position of this cluster's engine`;
  return takeValue(found, ref, from, shape.value, positions);
};

const versionProblem = (v: unknown): string =>
  typeof v === 'number' && Number.isInteger(v) && v > schemas.VERSION
    ? `was written by a newer version (v ${v}; this agent knows ${schemas.VERSION}): upgrade this agent`
    : `has no known version (v is ${printable(JSON.stringify(v) ?? 'missing')}, not ${schemas.VERSION})`;

type Read<T> = (positions: PositionAlgebra) => T;

const takeValue = (
  found: Found,
  ref: Exclude<KeyRef, { kind: 'leader' }>,
  from: KeyValue,
  raw: unknown,
  positions: PositionAlgebra,
): string | undefined => {
  const read = <T>(schema: z.ZodType<Read<T>>, use: (value: Keyed<T>, plain: T) => string | undefined | void) => {
    const result = schema.safeParse(raw);
    if (!result.success) return issueText(result.error);
    const plain = result.data(positions);
    return use(keyed(from, plain), plain) ?? undefined;
  };
  const named = (own: string, key: string): string | undefined =>
    own === key ? undefined : `names ${printable(own)}, not the ${printable(key)} of its key`;
  switch (ref.kind) {
    case 'initialize':
      return read(schemas.initialize, (value) => void (found.initialize = value));
    case 'heartbeat':
      return read(schemas.heartbeat, (value) => void (found.heartbeat = value));
    case 'history':
      return read(schemas.history, (value) => void (found.history = value));
    case 'history-of':
      return read(schemas.history, (value) => void found.olderTerms.set(ref.term, value));
    case 'sync':
      return read(schemas.sync, (value) => void (found.sync = value));
    case 'config':
      return read(schemas.configVersion, (value) => void (found.configuration = value));
    case 'config-version':
      return read(
        schemas.configVersion,
        (value, plain) =>
          named(String(plain.number), String(ref.number)) ?? void found.configVersions.set(ref.number, value),
      );
    case 'failsafe':
      return read(schemas.failsafe, (value) => void (found.failsafe = value));
    case 'member':
      return read(
        schemas.member,
        (value, plain) => named(plain.name, ref.name) ?? void found.members.set(ref.name, value),
      );
    case 'pledge':
      return read(
        schemas.pledge,
        (value, plain) => named(plain.member, ref.name) ?? void found.pledges.set(ref.name, value),
      );
    case 'suspect':
      return read(
        schemas.suspect,
        (value, plain) => named(plain.member, ref.name) ?? void found.suspects.set(ref.name, value),
      );
    case 'intent':
      return read(schemas.intent, (value, plain) => named(plain.id, ref.id) ?? void found.intents.push(value));
    case 'fenced':
      return read(schemas.fenced, () => void found.fenced.add(ref.term));
    default:
      return `has no reader: ${nameOf(ref satisfies never)}`;
  }
};

const issueText = (error: z.ZodError): string => {
  const [first] = error.issues;
  const more = error.issues.length > 1 ? ` (and ${error.issues.length - 1} more)` : '';
  const path = first?.path.map(String).join('.') ?? '';
  return printable(`${path === '' ? '' : `${path}: `}${first?.message ?? 'cannot be read'}${more}`, 300);
};
