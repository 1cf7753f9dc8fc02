import { createConnection, type Connection } from 'mysql2';
import { z } from 'zod';
import type { Lab } from '../lab/lab.ts';
import { createMysqlDialect, SCHEMA } from '../workload/mysql.ts';
import { socketDirOf } from '../lab/server.ts';
import { join } from 'node:path';
import type { Engine } from './engine.ts';

const WAIT_MS = 30_000;
const HOLD_SECONDS = 60;

const logs = z.array(z.object({ Log_name: z.string() }));

/** A session that holds a lock on the table, which replay then waits for. */
const holdTable = async (lab: Lab, member: string): Promise<Connection> => {
  const connection = createConnection({
    socketPath: join(socketDirOf(lab.member(member).dir), 'mysqld.sock'),
    user: lab.superuser.user,
    password: lab.superuser.password,
  });
  connection.on('error', () => undefined); // it is meant to be ended by others
  const ask = (sql: string): Promise<void> =>
    new Promise((resolve, reject) => {
      connection.query(sql, (error: Error | null) => (error === null ? resolve() : reject(error)));
    });
  await ask('start transaction');
  await ask(`select count(*) from ${SCHEMA}.chaos_held`);
  ask(`select sleep(${HOLD_SECONDS}) from ${SCHEMA}.chaos_held`).catch(() => undefined); // ended by whoever is in need
  return connection;
};

/** MySQL and MariaDB, as faults and checks handle them. */
export const createMysqlEngine = (engine: 'mysql' | 'mariadb', lab: Lab): Engine => ({
  dialect: createMysqlDialect(engine, lab.writer),
  // One process serves all: there is none that serves clients only.
  servesClients: () => false,
  copiesData: ({ args }) => args.some((arg) => /(mariadb-backup|mbstream)$/.test(arg)),
  rewindsData: () => false, // it has no such program: a log that parted is copied anew
  sendsLog: () => false, // threads do, not processes
  promoteByHand: async (at, replica) => {
    await at.query(replica, engine === 'mariadb' ? 'stop slave' : 'stop replica');
    await at.query(replica, 'set global read_only = 0');
  },
  removeLog: async (at, primary) => {
    await at.query(primary, 'flush binary logs');
    const files = logs.parse(await at.query(primary, 'show binary logs'));
    const last = files.at(-1)?.Log_name ?? '';
    await at.waitFor(
      `${primary} has removed its log before ${last}`,
      async () => {
        await at.query(primary, `purge binary logs to '${last}'`);
        return logs.parse(await at.query(primary, 'show binary logs')).length === 1;
      },
      { deadlineMs: WAIT_MS },
    );
  },
  blockReplay: async (at, primary, replicas) => {
    await at.query(primary, `drop table if exists ${SCHEMA}.chaos_held`);
    await at.query(primary, `create table ${SCHEMA}.chaos_held as select 1 as n`);
    const held = await Promise.all(
      replicas.map((replica) =>
        at.waitFor(`${replica} has the table`, () => holdTable(at, replica).catch(() => undefined), {
          deadlineMs: WAIT_MS,
        }),
      ),
    );
    await at.query(primary, `drop table ${SCHEMA}.chaos_held`);
    return () => {
      for (const connection of held) connection.destroy();
    };
  },
  switchLog: async (at, primary) => {
    await at.query(primary, 'flush binary logs');
  },
  useLog: async (at, primary) => {
    try {
      await at.query(primary, `create table if not exists ${SCHEMA}.chaos_filler (text longtext)`);
      for (let round = 0; round < 64; round += 1)
        await at.query(primary, `insert into ${SCHEMA}.chaos_filler values (repeat('x', 1000000))`);
    } catch {
      // the server ended, as was wanted
    }
  },
  archiveHoles: () => Promise.resolve([]),
  // These servers keep their log by time.
  slots: () => Promise.resolve(undefined),
});
