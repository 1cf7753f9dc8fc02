import type { Step } from '../../ports/database.ts';
import { budgetOf } from '../engine/budget.ts';
import type { Dialect, ServerFacts } from './dialect.ts';
import type { Parts } from './parts.ts';
import { GENERATION } from './roles.ts';
import { errnoOf, type Row } from './session.ts';

/** Adopted data has no tables of ours until it was primary once. */
const NO_TABLE: ReadonlySet<number> = new Set([1049, 1142, 1146]);

export interface Facts extends ServerFacts {
  readonly dialect: Dialect;
  /** The newest promotion whose record is applied here. */
  readonly generation: number;
}

/** What a running server says of itself now. */
export const askFacts = async (parts: Pick<Parts, 'site' | 'admin'>, step: Step): Promise<Facts> => {
  const budget = budgetOf(parts.site.options.clock, step);
  const dialect = await parts.site.dialect(budget.part());
  const answers = await parts.admin.all(budget.part(), dialect.questions);
  const [row] = await parts.admin.rows(budget.part(), GENERATION).catch((error: unknown): readonly Row[] => {
    if (NO_TABLE.has(errnoOf(error) ?? 0)) return [];
    throw error;
  });
  return { ...dialect.readFacts(answers), dialect, generation: Number(row?.['generation'] ?? 0) };
};
