import type { Address, Dialect } from '../workload/dialect.ts';

const DEADLINE_MS = 2_000;

/** All ids of one member, read from itself. */
export const readIds = async (address: Address, dialect: Dialect): Promise<readonly number[]> => {
  const session = await dialect.connect(address, DEADLINE_MS);
  const late = setTimeout(() => session.destroy(), 10_000);
  try {
    return await session.ids(0);
  } finally {
    clearTimeout(late);
    session.destroy();
  }
};

/** The ids that only one of them has; empty when both hold the same. */
export const difference = (one: readonly number[], other: readonly number[]): readonly number[] => {
  const left = new Set(one);
  const right = new Set(other);
  return [...one.filter((id) => !right.has(id)), ...other.filter((id) => !left.has(id))];
};
