import type { Term } from '../../core/brand.ts';
import type { Step } from '../../ports/database.ts';
import { budgetOf } from '../engine/budget.ts';
import type { Parts } from './parts.ts';
import { quoteLiteral } from './quoting.ts';
import { SCHEMA } from './roles.ts';
import type { Session } from './session.ts';

/** A commit that waits for acknowledgements does not notice that nobody listens any more; its connection is ended. */
const endConnection = async (parts: Parts, session: Session, step: Step): Promise<void> => {
  session.close();
  const dialect = await parts.site.dialect(step);
  await parts.admin.rows(step, dialect.kill(String(session.id))).catch(() => undefined);
};

/**
 * A commit under the settings in force, recording the term: everything before it is acknowledged too (D8, D16). Throws
 * `StepError` `timed-out` when the acknowledgements do not come.
 */
export const barrier = async (parts: Parts, order: Step & { readonly term: Term }): Promise<void> => {
  const budget = budgetOf(parts.site.options.clock, order);
  const session = await parts.admin.writer(budget.part());
  const term = quoteLiteral(String(order.term));
  try {
    await session.rows(
      budget.part(),
      `insert into ${SCHEMA}.barrier (single, term) values (1, ${term})
         on duplicate key update term = ${term}, at = current_timestamp(3)`,
    );
  } catch (error) {
    await endConnection(parts, session, budget.part(1_000));
    throw error;
  }
};

/** Pages that may be left for the server to write as it stops: a moment's work. */
const FEW_PAGES = 200;
const PATIENCE = 10_000;
const DIRTY = `show global status like 'Innodb_buffer_pool_pages_dirty'`;

/** Lets the server write its changed pages now, so that a stop that follows is short. Gives up quietly: it costs only time. */
export const checkpoint = async (parts: Parts, step: Step): Promise<void> => {
  const budget = budgetOf(parts.site.options.clock, step);
  const dirty = async (): Promise<number> => {
    const [row] = await parts.admin.rows(budget.part(), DIRTY);
    return Number(row?.['Value'] ?? 0);
  };
  if ((await dirty()) <= FEW_PAGES) return;
  await parts.admin.once(
    budget.part(),
    async (session) => {
      const [row] = await session.rows(budget.part(), 'select @@global.innodb_max_dirty_pages_pct as percent');
      await session.rows(budget.part(), 'set global innodb_max_dirty_pages_pct = 0');
      try {
        await budget.poll(50, Math.min(PATIENCE, budget.left() / 2), async () =>
          (await dirty()) <= FEW_PAGES ? true : undefined,
        );
      } finally {
        await session.rows(budget.part(), `set global innodb_max_dirty_pages_pct = ${Number(row?.['percent'] ?? 90)}`);
      }
    },
    'superuser',
  );
};
