/** One look at the sum of all accounts, in a single snapshot of one member. */
export interface TotalRead {
  readonly member: string;
  readonly at: number;
  readonly total: number;
}

/** The looks that did not show the sum that transfers never change. */
export const wrongTotals = (reads: readonly TotalRead[], expected: number): readonly TotalRead[] =>
  reads.filter(({ total }) => total !== expected);
