import { mariadbPositions, mysqlPositions } from '../adapters/mysql/positions.ts';
import { postgresPositions } from '../adapters/postgres/positions.ts';
import type { Position, PositionAlgebra } from '../core/position.ts';

const BY_ENGINE: ReadonlyMap<unknown, PositionAlgebra> = new Map<unknown, PositionAlgebra>([
  ['postgresql', postgresPositions],
  ['mysql', mysqlPositions],
  ['mariadb', mariadbPositions],
]);

const of = (position: Position): PositionAlgebra => BY_ENGINE.get(position.engine) ?? postgresPositions;

/** Positions of whatever engine a cluster has: for programs that learn which only from its keys. */
export const allPositions: PositionAlgebra = {
  parse: (raw) =>
    typeof raw === 'object' && raw !== null && 'engine' in raw ? BY_ENGINE.get(raw.engine)?.parse(raw) : undefined,
  compare: (a, b) => (a.engine === b.engine ? of(a).compare(a, b) : 'diverged'),
  distance: (behind, ahead) => (behind.engine === ahead.engine ? of(ahead).distance(behind, ahead) : 0),
  unit: 'bytes',
  describe: (position) => of(position).describe(position),
  generation: (position) => of(position).generation(position),
  offset: (position) => of(position).offset?.(position),
};
