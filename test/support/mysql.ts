import { randomBytes } from 'node:crypto';
import { chown, mkdir, mkdtemp, readFile, rm } from 'node:fs/promises';
import { createServer } from 'node:net';
import { join } from 'node:path';
import { createClock } from '../../src/adapters/os/clock.ts';
import { createProcesses } from '../../src/adapters/os/processes.ts';
import { createMysql } from '../../src/adapters/mysql/database.ts';
import type { Engine, MysqlOptions } from '../../src/adapters/mysql/options.ts';
import { withSession, type Row } from '../../src/adapters/mysql/session.ts';
import { ms, parseMemberName, type MemberName } from '../../src/core/brand.ts';
import type { DatabaseView, RunningDatabase, Source } from '../../src/core/database.ts';
import { after, remaining } from '../../src/core/instant.ts';
import type { Database, Step } from '../../src/ports/database.ts';
import type { Log } from '../../src/ports/log.ts';

/** Real MySQL and MariaDB servers for tests: one folder, random ports, everything killed by pid at the end. */

export const clock = createClock();
export const processes = createProcesses({ clock });
const FETCHED = process.env['TEST_MYSQL_BIN'];
const BIN_DIRS = FETCHED === undefined ? ['/usr/sbin', '/usr/bin'] : [FETCHED];

/** The flavour that the tests run on: MySQL where one was fetched for them. */
export const ENGINE: Engine = FETCHED === undefined ? 'mariadb' : 'mysql';

const signal = new AbortController().signal;
export const step = (timeout = 30_000): Step => ({ signal, timeout: ms(timeout) });

const name = (text: string): MemberName => {
  const found = parseMemberName(text);
  if (found === undefined) throw new Error(`not a member name: ${text}`);
  return found;
};

/** Waits for a fact; fails when it does not come. */
export const until = async <T>(what: string, found: () => Promise<T | undefined>, within = 15_000): Promise<T> => {
  const end = after(clock.now(), ms(within));
  for (;;) {
    const value = await found();
    if (value !== undefined) return value;
    if (remaining(end, clock.now()) <= 0) throw new Error(`not seen within ${within} ms: ${what}`);
    await clock.sleep(ms(20), { signal });
  }
};

const freePort = (): Promise<number> =>
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
  const line = (await readFile('/etc/passwd', 'utf8')).split('\n').find((each) => each.startsWith('mysql:'));
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
  readonly options: MysqlOptions;
  readonly database: Database;
  readonly source: Source;
  readonly lines: LoggedLine[];
  view(): Promise<DatabaseView>;
  /** The view, which must be of a running server. */
  running(): Promise<RunningDatabase>;
  /** One statement as the superuser over the socket. */
  sql(text: string, timeout?: number): Promise<readonly Row[]>;
  /** The same as an ordinary user over the network. */
  asClient(text: string, timeout?: number): Promise<readonly Row[]>;
  /** A second agent for the same data, as after a restart of the first. */
  again(): Promise<Database>;
}

export interface Lab {
  readonly folder: string;
  member(text: string, change?: Partial<MysqlOptions>): Promise<TestMember>;
  close(): Promise<void>;
}

export const CLIENT = { username: 'client', password: 'for-tests' };

/** A folder below /tmp for a test's members; `close` kills what runs in their data directories and removes it. */
export const createLab = async (engine: Engine): Promise<Lab> => {
  const folder = await mkdtemp('/tmp/haagent-my-');
  const user = await osUser();
  if (user !== undefined) await chown(folder, user.uid, user.gid);
  const secret = randomBytes(6).toString('hex');
  const opened: { readonly database: Database; readonly options: MysqlOptions }[] = [];
  const donors = new Map<number, Database>();

  const member: Lab['member'] = async (text, change = {}) => {
    const lines: LoggedLine[] = [];
    const home = join(folder, text);
    await mkdir(home, { mode: 0o755 });
    if (user !== undefined) await chown(home, user.uid, user.gid);
    const port = await freePort();
    const options: MysqlOptions = {
      engine,
      name: name(text),
      clusterName: 'test',
      dataDir: join(home, 'data'),
      binDirs: BIN_DIRS,
      stateDir: join(home, 'state'),
      listenHost: '127.0.0.1',
      port,
      socketDir: join(home, 's'),
      credentials: {
        superuser: { username: 'root', password: `${secret}'"\\` },
        replication: { username: 'replicator', password: `${secret}r` },
        agent: { username: 'haagent', password: `${secret}a` },
      },
      parameters: { innodb_buffer_pool_size: '32M' },
      lostTailBytes: 64 * 1024 * 1024,
      fetchCopy: (from, order) => {
        const donor = donors.get(from.port)?.donate?.(order);
        if (donor === undefined) throw new Error(`no donor at ${from.port}`);
        return donor;
      },
      processes,
      clock,
      log: collectingLog(lines),
      ...(user === undefined ? {} : { osUser: user }),
      ...change,
    };
    const open = (): Database => {
      const database = createMysql(options);
      opened.push({ database, options });
      return database;
    };
    const database = open();
    donors.set(port, database);
    const at = { socket: join(options.socketDir, 'mysqld.sock') };
    return {
      options,
      database,
      source: { member: options.name, host: '127.0.0.1', port },
      lines,
      view: () => database.observe(step(5_000)),
      running: async () => {
        const view = await database.observe(step(5_000));
        if (view.kind !== 'running') throw new Error(`not running: ${JSON.stringify(view)}`);
        return view;
      },
      sql: (sql, timeout = 10_000) =>
        withSession(clock, { at, account: options.credentials.superuser }, step(timeout), (session) =>
          session.rows(step(timeout), sql),
        ),
      asClient: (sql, timeout = 10_000) =>
        withSession(clock, { at: { host: '127.0.0.1', port }, account: CLIENT }, step(timeout), (session) =>
          session.rows(step(timeout), sql),
        ),
      again: async () => open(),
    };
  };

  return {
    folder,
    member,
    close: async () => {
      for (const { database, options } of opened) {
        await database.close();
        for (const dir of [options.dataDir, `${options.dataDir}.new`])
          for (const each of processes.within(dir)) processes.signal(each, 'SIGKILL');
        await until(`the processes in ${options.dataDir} are gone`, async () =>
          processes.within(options.dataDir).length === 0 ? true : undefined,
        );
      }
      await rm(folder, { recursive: true, force: true });
    },
  };
};

/** Brings a member from nothing to a primary with a client and its table. */
export const bootstrap = async (member: TestMember, generation = 2): Promise<string> => {
  const { database } = member;
  const { systemId } = await database.initialize(step());
  await database.start({ ...step(), source: undefined });
  await database.promote({ ...step(), generation });
  await member.sql(`create user '${CLIENT.username}'@'%' identified by '${CLIENT.password}'`);
  await member.sql('create database app');
  await member.sql(`grant select, insert, update, delete on app.* to '${CLIENT.username}'@'%'`);
  await member.sql('create table app.t (id int primary key) engine = InnoDB');
  return systemId;
};
