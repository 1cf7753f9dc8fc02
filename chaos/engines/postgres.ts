import { Client } from 'pg';
import { z } from 'zod';
import { findArchiveHoles } from '../checks/archive.ts';
import type { Lab } from '../lab/lab.ts';
import { createPostgresDialect } from '../workload/postgres.ts';
import type { Engine } from './engine.ts';

const SERVES_A_CLIENT = /^postgres: (\S+: )?chaos /;
const SENDS_LOG = /^postgres: (\S+: )?walsender /;
const WAIT_MS = 30_000;
const HOLD_MS = 60_000;

const names = z.array(z.object({ name: z.string() }));
const slots = z.array(z.object({ name: z.string(), active: z.boolean(), lost: z.boolean() }));

const segments = async (lab: Lab, member: string): Promise<ReadonlySet<string>> =>
  new Set(names.parse(await lab.query(member, 'SELECT name FROM pg_ls_waldir()')).map(({ name }) => name));

const currentSegment = async (lab: Lab, member: string): Promise<string> => {
  const [found] = names.parse(await lab.query(member, 'SELECT pg_walfile_name(pg_current_wal_lsn()) AS name'));
  if (found === undefined) throw new Error(`${member} does not say where its log is`);
  return found.name;
};

/** A session that reads from the table and then keeps its snapshot and its lock. */
const holdTable = async (lab: Lab, member: string): Promise<Client> => {
  const { host, port } = lab.member(member);
  const client = new Client({ host, port, ...lab.superuser, database: 'postgres', connectionTimeoutMillis: 2_000 });
  client.on('error', () => undefined); // it is meant to be ended by others
  await client.connect();
  await client.query('BEGIN ISOLATION LEVEL REPEATABLE READ');
  await client.query('SELECT count(*) FROM chaos_held');
  client.query(`SELECT pg_sleep(${HOLD_MS / 1_000})`).catch(() => undefined); // ended by whoever is in need
  return client;
};

/** PostgreSQL, as faults and checks handle it. */
export const createPostgresEngine = (lab: Lab): Engine => ({
  dialect: createPostgresDialect(lab.writer),
  servesClients: ({ args }) => SERVES_A_CLIENT.test(args.join(' ')),
  copiesData: ({ args }) => args.some((arg) => arg.endsWith('pg_basebackup')),
  rewindsData: ({ args }) => args.some((arg) => arg.endsWith('pg_rewind')),
  sendsLog: ({ args }) => SENDS_LOG.test(args.join(' ')),
  promoteByHand: async (at, replica) => {
    await at.query(replica, 'SELECT pg_promote(wait => false)');
  },
  removeLog: async (at, primary, away) => {
    const needed = await currentSegment(at, primary);
    await at.waitFor(
      `${primary} has removed the segment ${needed}, which ${away} needs`,
      async () => {
        await at.query(
          primary,
          'SELECT pg_drop_replication_slot(slot_name) FROM pg_replication_slots WHERE NOT active',
        );
        await at.query(primary, 'SELECT pg_switch_wal()');
        await at.query(primary, 'CHECKPOINT');
        return !(await segments(at, primary)).has(needed);
      },
      { deadlineMs: WAIT_MS },
    );
  },
  blockReplay: async (at, primary, replicas) => {
    await at.query(primary, 'DROP TABLE IF EXISTS chaos_held; CREATE TABLE chaos_held AS SELECT 1 AS n');
    const held = await Promise.all(
      replicas.map((replica) =>
        at.waitFor(`${replica} has the table`, () => holdTable(at, replica).catch(() => undefined), {
          deadlineMs: WAIT_MS,
        }),
      ),
    );
    await at.query(primary, 'DROP TABLE chaos_held');
    return () => {
      for (const client of held) client.connection.stream.destroy();
    };
  },
  switchLog: async (at, primary) => {
    await at.query(primary, "SELECT pg_logical_emit_message(false, 'chaos', 'x'), pg_switch_wal()");
  },
  useLog: async (at, primary) => {
    try {
      for (let round = 0; round < 64; round += 1)
        await at.query(primary, "SELECT pg_logical_emit_message(false, 'chaos', repeat('x', 1000000))");
    } catch {
      // the server ended, as was wanted
    }
  },
  archiveHoles: async (archive) => {
    const files = await archive.files();
    const histories = new Map<string, string>();
    for (const name of files.filter((file) => file.endsWith('.history'))) histories.set(name, await archive.read(name));
    return findArchiveHoles({ files, histories });
  },
  slots: async (at, member) =>
    slots.parse(
      await at.query(
        member,
        `SELECT slot_name::text AS name, active, coalesce(wal_status IN ('lost', 'unreserved'), false) AS lost
           FROM pg_replication_slots`,
      ),
    ),
});
