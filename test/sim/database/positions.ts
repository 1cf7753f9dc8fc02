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

/** Everything of `a` is part of `b`'s log. Asked for at every receipt, so it looks at shared parts first. */
export const isPartOf = (a: SimPosition, b: SimPosition): boolean => {
  if (a === b) return true;
  const [ours, theirs] = [a.path, b.path];
  if (ours !== theirs) {
    if (ours.length > theirs.length) return false;
    for (let index = 0; index < ours.length; index++) if (!samePart(ours[index]!, theirs[index]!)) return false;
  }
  return a.at <= (theirs[ours.length]?.[1] ?? b.at);
};

type Part = SimPosition['path'][number];
const samePart = (a: Part, b: Part): boolean => a === b || (a[0] === b[0] && a[1] === b[1]);

/** The last place that two logs share. */
export const forkOf = (a: SimPosition, b: SimPosition): SimPosition => {
  let shared = 0;
  while (shared < Math.min(a.path.length, b.path.length) && samePart(a.path[shared]!, b.path[shared]!)) shared += 1;
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
