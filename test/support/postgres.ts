import { randomBytes } from 'node:crypto';
import { chown, mkdir, mkdtemp, readFile, readdir, rm } from 'node:fs/promises';
import { createServer } from 'node:net';
import { dirname, join } from 'node:path';
import { parseMemberName, ms, type MemberName } from '../../src/core/brand.ts';
import type { RunningDatabase, Source } from '../../src/core/database.ts';
import { after, remaining } from '../../src/core/instant.ts';
import { createClock } from '../../src/adapters/os/clock.ts';
import { createProcesses } from '../../src/adapters/os/processes.ts';
import { createPostgres } from '../../src/adapters/postgres/database.ts';
import type { PostgresOptions } from '../../src/adapters/postgres/options.ts';
import { openSession, type Row } from '../../src/adapters/postgres/session.ts';
import type { Database, Step } from '../../src/ports/database.ts';
import type { Log } from '../../src/ports/log.ts';
import { findPostgresBin } from '../../chaos/lab/host.ts';

/** Real PostgreSQL servers for tests: one folder, random ports, everything killed by pid at the end. */

export const clock = createClock();
export const processes = createProcesses({ clock });
export const BIN_DIR = findPostgresBin();

const signal = new AbortController().signal;
export const step = (timeout = 20_000): Step => ({ signal, timeout: ms(timeout) });

const name = (text: string): MemberName => {
  const found = parseMemberName(text);
  if (found === undefined) throw new Error(`not a member name: ${text}`);
  return found;
};

/** Waits for a fact; fails with what was seen last when it does not come. */
export const until = async <T>(what: string, found: () => Promise<T | undefined>, within = 10_000): Promise<T> => {
  const end = after(clock.now(), ms(within));
  for (;;) {
    const value = await found();
    if (value !== undefined) return value;
    if (remaining(end, clock.now()) <= 0) throw new Error(`not seen within ${within} ms: ${what}`);
    await clock.sleep(ms(20), { signal });
  }
};

export const freePort = (): Promise<number> =>
  new Promise((resolve, reject) => {
    const server = createServer();
    server.once('error', reject);
    server.listen(0, '127.0.0.1', () => {
      const address = server.address();
      server.close(() => resolve(typeof address === 'object' && address !== null ? address.port : 0));
    });
  });

const osUser = async (): Promise<{ uid: number; gid: number } | undefined> => {
  if (process.getuid?.() !== 0) return undefined;
  const line = (await readFile('/etc/passwd', 'utf8')).split('\n').find((each) => each.startsWith('postgres:'));
  const [, , uid, gid] = (line ?? '').split(':');
  return { uid: Number(uid), gid: Number(gid) };
};

interface LoggedLine {
  readonly level: string;
  readonly event: string;
  readonly text: string;
}

const collectingLog = (lines: LoggedLine[]): Log => {
  const write =
    (level: string): Log['info'] =>
    (event, message, fields) =>
      void lines.push({ level, event, text: `${message} ${JSON.stringify(fields ?? {})}` });
  const log: Log = {
    debug: write('debug'),
    info: write('info'),
    warn: write('warn'),
    error: write('error'),
    child: () => log,
  };
  return log;
};

export interface TestMember {
  readonly options: PostgresOptions;
  readonly database: Database;
  readonly source: Source;
  readonly lines: LoggedLine[];
  /** The view, which must be of a running server. */
  running(): Promise<RunningDatabase>;
  /** One statement as the superuser over the socket. */
  sql(text: string, timeout?: number): Promise<readonly Row[]>;
  /** A second agent for the same data, as after a restart of the first. */
  again(): Promise<Database>;
}

export interface Lab {
  readonly folder: string;
  member(text: string, change?: Partial<PostgresOptions>): Promise<TestMember>;
  close(): Promise<void>;
}

/** A folder below /tmp for a test's members; `close` kills what runs in their data directories and removes it. */
export const createLab = async (): Promise<Lab> => {
  const folder = await mkdtemp('/tmp/haagent-pg-');
  const user = await osUser();
  await mkdir(join(folder, 's'), { mode: 0o755 });
  if (user !== undefined) {
    await chown(folder, user.uid, user.gid);
    await chown(join(folder, 's'), user.uid, user.gid);
  }
  const secret = randomBytes(6).toString('hex');
  const opened: { readonly database: Database; readonly dataDir: string }[] = [];

  const sqlOf =
    (options: PostgresOptions): TestMember['sql'] =>
    async (text, timeout = 10_000) => {
      const account = options.credentials.superuser;
      const target = {
        host: options.socketDir,
        port: options.port,
        account,
        applicationName: 'test',
        settings: { search_path: 'public' },
      };
      const session = await openSession(clock, target, step(timeout));
      try {
        return await session.rows(step(timeout), text);
      } finally {
        session.close();
      }
    };

  return {
    folder,
    member: async (text, change = {}) => {
      const lines: LoggedLine[] = [];
      const port = await freePort();
      const options: PostgresOptions = {
        name: name(text),
        clusterName: 'test',
        dataDir: join(folder, text.slice(0, 20), 'data'),
        binDir: BIN_DIR,
        stateDir: join(folder, text.slice(0, 20), 'state'),
        listenHost: '127.0.0.1',
        port,
        socketDir: join(folder, 's'),
        credentials: {
          superuser: { username: 'postgres', password: `super-${secret}` },
          replication: { username: 'replicator', password: `repl:\\'-${secret}` },
          rewind: { username: 'rewinder', password: `rewind-${secret}` },
          agent: { username: 'haagent', password: `agent-${secret}` },
        },
        parameters: {
          shared_buffers: '16MB',
          max_connections: '30',
          max_wal_senders: '8',
          log_min_messages: 'warning',
          fsync: 'off',
        },
        accessRules: [],
        initdb: { dataChecksums: true, encoding: 'UTF8', locale: 'C.UTF-8' },
        lostTailBytes: 256 * 1024 * 1024,
        processes,
        clock,
        log: collectingLog(lines),
        ...(user === undefined ? {} : { osUser: user }),
        ...change,
      };
      const database = createPostgres(options);
      opened.push({ database, dataDir: options.dataDir });
      return {
        options,
        database,
        source: { member: options.name, host: '127.0.0.1', port: options.port },
        lines,
        running: async () => {
          const view = await database.observe(step(3_000));
          if (view.kind !== 'running') throw new Error(`not running: ${JSON.stringify(view)}`);
          return view;
        },
        sql: sqlOf(options),
        again: async () => {
          const other = createPostgres(options);
          opened.push({ database: other, dataDir: options.dataDir });
          return other;
        },
      };
    },
    close: async () => {
      for (const { database } of opened) await database.close();
      for (const { dataDir } of opened) {
        const beside = await readdir(dirname(dataDir)).catch(() => []);
        for (const each of beside) await killWithin(join(dirname(dataDir), each));
      }
      await rm(folder, { recursive: true, force: true });
    },
  };
};

const killWithin = (directory: string): Promise<true> =>
  until(`nothing left in ${directory}`, async () => {
    const found = processes.within(directory);
    for (const each of found) processes.signal(each, 'SIGKILL');
    return found.length === 0 ? true : undefined;
  });
