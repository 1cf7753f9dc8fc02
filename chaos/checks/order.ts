import type { Written } from '../workload/dialect.ts';

/**
 * Along the log the generation in which rows were written never decreases: no primary wrote behind its successor.
 * Returns the rows that lie behind a row of a newer generation.
 */
export const findDisorder = (rows: readonly Written[]): readonly Written[] => {
  let newest = 0;
  return rows
    .toSorted((one, other) => (one.position < other.position ? -1 : one.position > other.position ? 1 : 0))
    .filter(({ generation }) => {
      const behind = generation < newest;
      newest = Math.max(newest, generation);
      return behind;
    });
};
