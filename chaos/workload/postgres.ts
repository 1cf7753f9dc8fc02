import { Client, DatabaseError } from 'pg';
import { z } from 'zod';
import { StatementError, type Dialect } from './dialect.ts';

/**
 * SQLSTATE classes and codes after which a single statement surely changed nothing: read-only transaction (25006),
 * connection refused by the server (53xxx, 57P03), no such table or rights (42xxx), serialization (40xxx).
 */
const SURELY_NOT_APPLIED = /^(25006|53|57P03|42|40|28|3D)/;

const originRow = z.object({ server: z.string(), generation: z.number() });
const idRow = z.object({ id: z.string().transform(Number) });
const writtenRow = z.object({
  id: z.string().transform(Number),
  generation: z.number(),
  position: z.string().transform(BigInt),
});

const INSERT = `
  INSERT INTO chaos_writes (id, writer, generation, position)
  VALUES ($1, $2, ('x' || substr(pg_walfile_name(pg_current_wal_insert_lsn()), 1, 8))::bit(32)::int,
          pg_current_wal_insert_lsn() - '0/0')
  RETURNING host(inet_server_addr()) || ':' || inet_server_port() AS server, generation`;

/** The only warning that a commit can have: the wait for replicas was cancelled. */
const WEAK_COMMIT = '01000';

const codeOf = (error: unknown): string => (error instanceof DatabaseError ? (error.code ?? 'unknown') : 'connection');

const statementError = (error: unknown): StatementError => {
  const code = codeOf(error);
  return new StatementError(String(error), code, SURELY_NOT_APPLIED.test(code), error);
};

/** PostgreSQL. The table has no unique index, so that a row applied twice is seen twice. */
export const createPostgresDialect = (login: { readonly user: string }): Dialect => ({
  engine: 'postgres',
  begin: {
    snapshot: ['BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY'],
    serializable: ['BEGIN ISOLATION LEVEL SERIALIZABLE'],
  },
  busy: 'SELECT count(*) FROM generate_series(1, 100000)',
  connect: async (address, deadlineMs) => {
    const client = new Client({
      ...login,
      ...address,
      database: 'postgres',
      application_name: 'chaos',
      connectionTimeoutMillis: deadlineMs,
    });
    let usable = true;
    const lose = (): void => {
      usable = false;
    };
    client.on('error', lose); // also tells of a server that went away while nothing was asked of it
    client.on('end', lose);
    let warned = false;
    client.on('notice', ({ code }) => {
      warned ||= code === WEAK_COMMIT;
    });
    const destroy = (): void => {
      usable = false;
      client.connection.stream.destroy();
    };
    try {
      await client.connect();
    } catch (error) {
      destroy();
      throw statementError(error);
    }
    const ask = async (
      text: string,
      values: readonly unknown[] = [],
    ): Promise<readonly Readonly<Record<string, unknown>>[]> => {
      try {
        return (await client.query<Record<string, unknown>>(text, [...values])).rows;
      } catch (error) {
        throw statementError(error);
      }
    };
    return {
      get usable() {
        return usable;
      },
      createTable: async () => {
        await ask('DROP TABLE IF EXISTS chaos_writes');
        await ask(`CREATE TABLE chaos_writes (
          id bigint NOT NULL, writer text NOT NULL, generation int NOT NULL, position numeric NOT NULL,
          at timestamptz NOT NULL DEFAULT clock_timestamp())`);
        await ask('CREATE INDEX chaos_writes_id ON chaos_writes (id)');
      },
      insert: async (id, writer) => {
        warned = false;
        const origin = originRow.parse((await ask(INSERT, [id, writer]))[0]);
        return warned ? { ...origin, weak: true } : origin;
      },
      ids: async (after) =>
        z
          .array(idRow)
          .parse(await ask('SELECT id FROM chaos_writes WHERE id > $1 ORDER BY id', [after]))
          .map(({ id }) => id),
      written: async () => z.array(writtenRow).parse(await ask('SELECT id, generation, position FROM chaos_writes')),
      run: ask,
      destroy,
    };
  },
});
