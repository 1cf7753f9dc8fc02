import { createConnection, type Connection } from 'mysql2';
import { z } from 'zod';
import { StatementError, type Dialect } from './dialect.ts';

/** The schema of the writers' table. */
export const SCHEMA = 'chaos';

/**
 * Errors after which a single statement surely changed nothing: read-only (1290, 1836), refused at the door (1040, 1044, 1045,
 * 1129, 1203, 1226), no such schema, table or right (1049, 1142, 1146), lock wait and deadlock (1205, 1213).
 */
const SURELY_NOT_APPLIED: ReadonlySet<number> = new Set([
  1040, 1044, 1045, 1049, 1129, 1142, 1146, 1203, 1205, 1213, 1226, 1290, 1836,
]);

const originRow = z.object({ server: z.string(), generation: z.coerce.number() });
const idRow = z.object({ id: z.coerce.number() });
const writtenRow = z.object({ id: z.coerce.number(), generation: z.coerce.number(), position: z.coerce.bigint() });

const WHERE = `concat(@@bind_address, ':', @@port)`;
const GENERATION = '(select coalesce(max(generation), 0) from haagent.journal)';

interface Flavour {
  readonly engine: 'mariadb' | 'mysql';
  /** The number of the newest transaction in the log. */
  readonly position: string;
  /** One statement, or the statement and the question after it, that inserts a row and tells where from. */
  insert(id: number, writer: string): readonly [string] | readonly [string, string];
}

const columns = (position: string): string =>
  `insert into chaos_writes (id, writer, generation, position) select ?, ?, ${GENERATION}, ${position}`;

const MARIADB_POSITION = `cast(substring_index(@@global.gtid_binlog_pos, '-', -1) as unsigned)`;

const FLAVOURS: Readonly<Record<'mariadb' | 'mysql', Flavour>> = {
  mariadb: {
    engine: 'mariadb',
    position: MARIADB_POSITION,
    insert: () => [`${columns(MARIADB_POSITION)} returning ${WHERE} as server, generation`],
  },
  mysql: {
    engine: 'mysql',
    position: '0',
    insert: (id) => [
      columns('0'),
      `select ${WHERE} as server, generation from chaos_writes where id = ${id} order by n desc limit 1`,
    ],
  },
};

const statementError = (error: unknown): StatementError => {
  const errno = error instanceof Error && 'errno' in error ? Number(error.errno) : 0;
  return new StatementError(
    String(error),
    errno > 0 ? String(errno) : 'connection',
    SURELY_NOT_APPLIED.has(errno),
    error,
  );
};

const isRow = (value: unknown): value is Readonly<Record<string, unknown>> =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

const ask = (
  connection: Connection,
  text: string,
  values: readonly unknown[] = [],
): Promise<readonly Readonly<Record<string, unknown>>[]> =>
  new Promise((resolve, reject) => {
    connection.query(text, [...values], (error: Error | null, result: unknown) => {
      if (error !== null) reject(statementError(error));
      else resolve(Array.isArray(result) ? result.filter(isRow) : []);
    });
  });

/** MySQL and MariaDB. The table has no unique index on the id, so that a row applied twice is seen twice. */
export const createMysqlDialect = (engine: 'mysql' | 'mariadb', login: { readonly user: string }): Dialect => {
  const flavour = FLAVOURS[engine];
  return {
    engine,
    begin: {
      snapshot: ['set transaction isolation level repeatable read', 'start transaction with consistent snapshot'],
      serializable: ['set transaction isolation level serializable', 'start transaction'],
    },
    busy: `select benchmark(100000, sha1('x'))`,
    connect: async (address, deadlineMs) => {
      const connection = createConnection({
        user: login.user,
        host: address.host,
        port: address.port,
        database: SCHEMA,
        connectTimeout: deadlineMs,
        supportBigNumbers: true,
        bigNumberStrings: true,
      });
      let usable = true;
      const ended = Promise.withResolvers<never>();
      ended.promise.catch(() => undefined); // whoever asks hears of it
      const destroy = (): void => {
        usable = false;
        connection.destroy();
        ended.reject(statementError(new Error('the connection ended before the answer')));
      };
      // The client library leaves a question unanswered for ever when its connection is destroyed.
      const run = (text: string, values: readonly unknown[] = []): ReturnType<typeof ask> =>
        Promise.race([ask(connection, text, values), ended.promise]);
      connection.on('error', destroy); // also tells of a server that went away while nothing was asked of it
      connection.on('end', destroy);
      const connected = new Promise<void>((resolve, reject) => {
        connection.connect((error) => {
          if (error === null) return resolve();
          destroy();
          reject(statementError(error));
        });
      });
      await Promise.race([connected, ended.promise]);
      return {
        get usable() {
          return usable;
        },
        createTable: async () => {
          await run('drop table if exists chaos_writes');
          await ask(
            connection,
            `create table chaos_writes (n bigint primary key auto_increment, id bigint not null, writer varchar(64) not null,
               generation bigint not null, position bigint not null, at timestamp(3) not null default current_timestamp(3),
               index (id)) engine = InnoDB`,
          );
        },
        insert: async (id, writer) => {
          const [write, question] = flavour.insert(id, writer);
          const [row] = await run(write, [id, writer]);
          return originRow.parse(question === undefined ? row : (await run(question))[0]);
        },
        ids: async (after) =>
          z
            .array(idRow)
            .parse(await run('select id from chaos_writes where id > ? order by id', [after]))
            .map(({ id }) => id),
        written: async () => z.array(writtenRow).parse(await run('select id, generation, position from chaos_writes')),
        run: (statement) => run(statement),
        destroy,
      };
    },
  };
};
