import type { Order, Position, PositionAlgebra } from '../../../src/core/position.ts';

/**
 * Positions of the model databases, as PostgreSQL has them: the generations that a log went through, each with the place
 * where it left the one before, and how far it reaches.
 */
export interface SimPosition extends Position {
  readonly engine: 'sim';
  /** [generation, place where it begins], oldest first. */
  readonly path: readonly (readonly [number, number])[];
  readonly at: number;
}

export const simPosition = (path: SimPosition['path'], at: number): SimPosition => ({ engine: 'sim', path, at });

export const asSim = (position: Position): SimPosition => {
  if (position.engine !== 'sim') throw new Error('not a position of the model');
  return position as SimPosition;
};

/** Everything of `a` is part of `b`'s log. */
export const isPartOf = (a: SimPosition, b: SimPosition): boolean => {
  for (const [index, [generation, begins]] of a.path.entries()) {
    const other = b.path[index];
    if (other === undefined || other[0] !== generation || other[1] !== begins) return false;
  }
  const left = b.path[a.path.length]?.[1];
  return a.at <= (left ?? b.at);
};

/** The last place that two logs share. */
export const forkOf = (a: SimPosition, b: SimPosition): SimPosition => {
  let shared = 0;
  while (
    shared < Math.min(a.path.length, b.path.length) &&
    a.path[shared]![0] === b.path[shared]![0] &&
    a.path[shared]![1] === b.path[shared]![1]
  )
    shared += 1;
  const end = (p: SimPosition): number => p.path[shared]?.[1] ?? p.at;
  return simPosition(a.path.slice(0, shared), Math.min(end(a), end(b)));
};

const compare = (a: SimPosition, b: SimPosition): Order => {
  const inB = isPartOf(a, b);
  const inA = isPartOf(b, a);
  if (inA && inB) return 'equal';
  if (inA) return 'ahead';
  return inB ? 'behind' : 'diverged';
};

export const simPositions: PositionAlgebra = {
  parse: (raw) => raw as Position | undefined,
  compare: (a, b) => compare(asSim(a), asSim(b)),
  distance: (behind, ahead) => Math.max(0, asSim(ahead).at - asSim(behind).at),
  unit: 'bytes',
  describe: (position) => `${asSim(position).path.at(-1)?.[0] ?? 0}/${asSim(position).at}`,
  generation: (position) => asSim(position).path.at(-1)?.[0] ?? 0,
};
