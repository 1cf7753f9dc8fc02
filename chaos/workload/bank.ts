import { wrongTotals, type TotalRead } from '../checks/bank.ts';
import type { Companion, CompanionOptions } from './companion.ts';
import type { Session } from './dialect.ts';
import { startLoop } from './loop.ts';

/** W5: transfers between accounts. Whoever looks, on whichever member, must see the same sum in every single snapshot. */
const ACCOUNTS = 10;
const BALANCE = 100;
const TRANSFER_EVERY_MS = 50;
const LOOK_EVERY_MS = 100;
const DEADLINE_MS = 1_000;

export const prepareBank = async (session: Session): Promise<void> => {
  await session.run('DROP TABLE IF EXISTS chaos_accounts');
  await session.run('CREATE TABLE chaos_accounts (id int PRIMARY KEY, balance int NOT NULL)');
  const rows = Array.from({ length: ACCOUNTS }, (_, id) => `(${id}, ${BALANCE})`);
  await session.run(`INSERT INTO chaos_accounts VALUES ${rows.join(', ')}`);
};

export const startBank = (options: CompanionOptions): Companion => {
  const { dialect, random } = options;
  const reads: TotalRead[] = [];
  const account = (): number => Math.floor(random() * ACCOUNTS);
  const transfers = startLoop(
    { dialect, address: options.primary, everyMs: TRANSFER_EVERY_MS, deadlineMs: DEADLINE_MS },
    async (session) => {
      const [from, to] = [account(), account()];
      const amount = 1 + Math.floor(random() * 10);
      for (const statement of dialect.begin.serializable) await session.run(statement);
      await session.run(`UPDATE chaos_accounts SET balance = balance - ${amount} WHERE id = ${from}`);
      await session.run(`UPDATE chaos_accounts SET balance = balance + ${amount} WHERE id = ${to}`);
      await session.run('COMMIT');
    },
  );
  const looks = options.members.map(({ name, host, port }) =>
    startLoop(
      { dialect, address: { host, port }, everyMs: LOOK_EVERY_MS, deadlineMs: DEADLINE_MS },
      async (session) => {
        const [row] = await session.run('SELECT count(*) AS accounts, sum(balance) AS total FROM chaos_accounts');
        // A replica that has not received the accounts yet shows none.
        if (Number(row?.['accounts']) > 0)
          reads.push({ member: name, at: performance.now(), total: Number(row?.['total']) });
      },
    ),
  );
  return {
    stop: async () => {
      await Promise.all([transfers, ...looks].map((loop) => loop.stop()));
    },
    judge: () => {
      const wrong = wrongTotals(reads, ACCOUNTS * BALANCE);
      const [first] = wrong;
      return Promise.resolve(
        first === undefined
          ? []
          : [
              `${wrong.length} of ${reads.length} looks at all accounts showed a wrong sum: ${first.total} on ${first.member}`,
            ],
      );
    },
  };
};
