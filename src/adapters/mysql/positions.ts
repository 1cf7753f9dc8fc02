import type { Order, Position, PositionAlgebra } from '../../core/position.ts';
import { contains, countOf, formatGtidSet, parseGtidSet, subtract, type GtidSet } from './gtid-set.ts';
import { covers, formatGtidState, lacking, lastOf, parseGtidState, shortened, type GtidState } from './gtid-state.ts';

/**
 * How far a log reaches, for both flavours: which transactions are in it, and the generation of the newest promotion that is.
 * A partial order: neither containing the other means that both wrote after they parted.
 */
interface Flavour<T> {
  readonly engine: 'mysql' | 'mariadb';
  parse(raw: unknown): T | undefined;
  contains(whole: T, part: T): boolean;
  lacking(part: T, whole: T): bigint;
  describe(set: T): string;
}

const MOST_GENERATION = 0xffff_ffff;

/** The text form that goes into etcd and over the API. */
export const toMysqlPosition = (gtids: GtidSet, generation: number): Position => ({
  engine: 'mysql',
  gtids: formatGtidSet(gtids),
  generation,
});

export const toMariadbPosition = (gtids: GtidState, generation: number): Position => ({
  engine: 'mariadb',
  gtids: formatGtidState(shortened(gtids)),
  generation,
});

const isRecord = (raw: unknown): raw is Readonly<Record<string, unknown>> =>
  typeof raw === 'object' && raw !== null && !Array.isArray(raw);

const createAlgebra = <T>(flavour: Flavour<T>): PositionAlgebra => {
  const read = (raw: unknown): { readonly set: T; readonly generation: number } | undefined => {
    if (!isRecord(raw) || raw['engine'] !== flavour.engine) return undefined;
    const { generation } = raw;
    const set = flavour.parse(raw['gtids']);
    if (typeof generation !== 'number' || !Number.isInteger(generation)) return undefined;
    if (set === undefined || generation < 0 || generation > MOST_GENERATION) return undefined;
    return { set, generation };
  };
  return {
    unit: 'transactions',
    parse: (raw) =>
      isRecord(raw) && read(raw) !== undefined
        ? { engine: flavour.engine, gtids: raw['gtids'], generation: raw['generation'] }
        : undefined,
    compare: (a, b): Order => {
      const [one, other] = [read(a), read(b)];
      if (one === undefined || other === undefined) return 'diverged';
      const ahead = flavour.contains(one.set, other.set);
      const behind = flavour.contains(other.set, one.set);
      if (ahead && behind) return 'equal';
      return ahead ? 'ahead' : behind ? 'behind' : 'diverged';
    },
    distance: (behind, ahead) => {
      const [less, more] = [read(behind), read(ahead)];
      if (less === undefined || more === undefined) return 0;
      return Number(flavour.lacking(less.set, more.set));
    },
    describe: (position) => {
      const found = read(position);
      return found === undefined
        ? 'unreadable'
        : `${flavour.describe(found.set) || 'nothing'}, generation ${found.generation}`;
    },
    generation: (position) => read(position)?.generation ?? 0,
  };
};

/** Enough to tell sources apart, short enough for a sentence. */
const brief = (set: GtidSet): string => {
  const parts = [...set].map(([source, intervals]) => `${source.slice(0, 8)}:…${intervals.at(-1)?.[1] ?? 0n}`);
  return parts.length > 3 ? `${parts.slice(0, 3).join(',')} and ${parts.length - 3} more` : parts.join(',');
};

export const mysqlPositions = createAlgebra<GtidSet>({
  engine: 'mysql',
  parse: parseGtidSet,
  contains,
  lacking: (part, whole) => countOf(subtract(whole, part)),
  describe: brief,
});

export const mariadbPositions = createAlgebra<GtidState>({
  engine: 'mariadb',
  parse: parseGtidState,
  contains: covers,
  lacking,
  describe: (state) => formatGtidState(lastOf(state)),
});
