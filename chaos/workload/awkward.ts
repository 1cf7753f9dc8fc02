import type { Companion, CompanionOptions } from './companion.ts';
import { StatementError, type Session } from './dialect.ts';
import type { Attempt, Outcome } from './history.ts';
import { startLoop, type LoopOptions } from './loop.ts';

/** W7: transactions as applications should not make them, and do. */
const LONG_MS = 3_000;
const IDLE_MS = 1_500;
const PAUSE_MS = 1_000;
const DEADLINE_MS = 20_000;
const BULK_ROWS = 5_000;

export interface AwkwardOptions extends CompanionOptions {
  readonly nextId: () => number;
  readonly record: (attempt: Attempt) => void;
}

export const prepareAwkward = async (session: Session): Promise<void> => {
  await session.run('DROP TABLE IF EXISTS chaos_bulk');
  await session.run('CREATE TABLE chaos_bulk (n int NOT NULL)');
};

const outcomeOf = (error: unknown): Outcome => {
  const failure = error instanceof StatementError ? error : new StatementError(String(error), 'unknown', false, error);
  return { kind: failure.refused ? 'fail' : 'info', code: failure.code };
};

/** A long busy transaction, one that idles, one that writes much at once, and changes of the schema. */
export const startAwkward = (options: AwkwardOptions): Companion => {
  const { dialect } = options;
  const loop = (body: (session: Session) => Promise<void>, change: Partial<LoopOptions> = {}) =>
    startLoop({ dialect, address: options.primary, everyMs: PAUSE_MS, deadlineMs: DEADLINE_MS, ...change }, body);

  /** Does `work` in a transaction that ends with the insert of one id; what counts is what became of its commit. */
  const transaction = (writer: string, work: (session: Session) => Promise<void>) => async (session: Session) => {
    await session.run('BEGIN');
    await work(session);
    const id = options.nextId();
    const origin = await session.insert(id, writer);
    const invoked = performance.now();
    let outcome: Outcome = { kind: 'ok', origin };
    try {
      await session.run('COMMIT');
    } catch (error) {
      outcome = outcomeOf(error);
      throw error;
    } finally {
      options.record({ id, writer, invoked, completed: performance.now(), outcome });
    }
  };

  const loops = [
    loop(
      transaction('busy', async (session) => {
        const until = performance.now() + LONG_MS;
        while (performance.now() < until) await session.run(dialect.busy);
      }),
      { everyMs: 3 * PAUSE_MS },
    ),
    loop(transaction('idle', () => new Promise((resolve) => setTimeout(resolve, IDLE_MS)))),
    loop(
      transaction('bulk', async (session) => {
        await session.run('DELETE FROM chaos_bulk');
        await session.run(
          `INSERT INTO chaos_bulk VALUES ${Array.from({ length: BULK_ROWS }, (_, n) => `(${n})`).join(', ')}`,
        );
      }),
      { everyMs: 2 * PAUSE_MS },
    ),
    loop(async (session) => {
      await session.run('DROP TABLE IF EXISTS chaos_schema');
      await session.run('CREATE TABLE chaos_schema (id int PRIMARY KEY)');
      await session.run('ALTER TABLE chaos_schema ADD COLUMN more int');
    }),
  ];
  return {
    stop: async () => {
      await Promise.all(loops.map((running) => running.stop()));
    },
    judge: () => Promise.resolve([]), // its commits are judged with those of the writers
  };
};
