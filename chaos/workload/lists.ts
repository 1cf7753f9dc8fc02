import { findAnomalies, withoutLost, type ListStep, type ListTransaction } from '../checks/lists.ts';
import type { Companion, CompanionOptions } from './companion.ts';
import { StatementError, type Session } from './dialect.ts';
import { startLoop, type Loop } from './loop.ts';

/** W4: serializable transactions that append to lists and read them. */
const LISTS = 400;
/** So many lists are in use at a time, and so many values are appended before the next list takes the place of the first. */
const IN_USE = 4;
const APPENDS_EACH = 30;
const CLIENTS = 2;
const EVERY_MS = 40;
const DEADLINE_MS = 1_000;
const MOST_STEPS = 3;

export const prepareLists = async (session: Session): Promise<void> => {
  await session.run('DROP TABLE IF EXISTS chaos_lists');
  await session.run('CREATE TABLE chaos_lists (id int PRIMARY KEY, elements text NOT NULL)');
  const rows = Array.from({ length: LISTS }, (_, id) => `(${id}, '')`);
  await session.run(`INSERT INTO chaos_lists VALUES ${rows.join(', ')}`);
};

const parse = (elements: unknown): readonly number[] =>
  String(elements)
    .split(' ')
    .flatMap((value) => (value === '' ? [] : [Number(value)]));

const readList = async (session: Session, list: number): Promise<readonly number[]> =>
  parse((await session.run(`SELECT elements FROM chaos_lists WHERE id = ${list}`))[0]?.['elements']);

export const startLists = (options: CompanionOptions): Companion => {
  const { dialect, random } = options;
  const history: ListTransaction[] = [];
  let lastValue = 0;
  let lastId = 0;

  const step = async (session: Session): Promise<ListStep> => {
    const first = Math.floor(lastValue / APPENDS_EACH);
    const list = (first + Math.floor(random() * IN_USE)) % LISTS;
    if (random() < 0.5) return { kind: 'read', list, values: await readList(session, list) };
    const value = (lastValue += 1);
    await session.run(`UPDATE chaos_lists SET elements = concat(elements, ' ${value}') WHERE id = ${list}`);
    return { kind: 'append', list, value };
  };
  const turn = async (session: Session): Promise<void> => {
    const id = (lastId += 1);
    const steps: ListStep[] = [];
    let outcome: ListTransaction['outcome'] = 'fail';
    try {
      for (const statement of dialect.begin.serializable) await session.run(statement);
      for (let count = 1 + Math.floor(random() * MOST_STEPS); count > 0; count -= 1) steps.push(await step(session));
      outcome = 'info';
      await session.run('COMMIT');
      outcome = 'ok';
    } catch (error) {
      if (error instanceof StatementError && error.refused) outcome = 'fail';
      throw error;
    } finally {
      history.push({ id, outcome, steps });
    }
  };
  const clients: readonly Loop[] = Array.from({ length: CLIENTS }, () =>
    startLoop({ dialect, address: options.primary, everyMs: EVERY_MS, deadlineMs: DEADLINE_MS }, turn),
  );
  return {
    stop: async () => {
      await Promise.all(clients.map((client) => client.stop()));
    },
    judge: async (session) => {
      const rows = await session.run('SELECT id, elements FROM chaos_lists');
      const now = new Map(rows.map((row) => [Number(row['id']), parse(row['elements'])]));
      const last: ListTransaction = {
        id: lastId + 1,
        outcome: 'ok',
        steps: [...now].map(([list, values]) => ({ kind: 'read', list, values })),
      };
      const anomalies = findAnomalies([...withoutLost(history, now), last]);
      return anomalies.map(({ kind, what }) => `the lists show an anomaly (${kind}): ${what}`);
    },
  };
};
