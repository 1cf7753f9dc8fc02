import { ms, parseInstanceId, type InstanceId } from '../../src/core/brand.ts';
import { StepError } from '../../src/core/errors.ts';
import { openSession, type Session } from '../../src/adapters/postgres/session.ts';
import type { DatabaseConfig } from '../../src/ports/database.ts';
import type { ProcessInfo } from '../../src/ports/processes.ts';
import { clock, createLab, processes, step, until, type Lab, type TestMember } from './postgres.ts';

/** A primary `a` with replicas `b` and `c`, without agents: what the adapters' synchronous steps are tested on. */
export interface TestCluster {
  readonly lab: Lab;
  readonly systemId: string;
  readonly members: Readonly<Record<'a' | 'b' | 'c', TestMember>>;
  readonly close: () => Promise<void>;
}

export const SUSPECT_AFTER = ms(1_500);

const instanceOf = (name: string): InstanceId => parseInstanceId(`inst${name}`) as InstanceId;

/** The name by which a member counts as a voter. */
export const voter = (member: TestMember): string => `${member.options.name}~${instanceOf(member.options.name)}`;

export const syncConfig = (member: TestMember, change: Partial<DatabaseConfig> = {}): DatabaseConfig => ({
  parameters: {},
  accessRules: [],
  memberHosts: ['127.0.0.1'],
  instance: instanceOf(member.options.name),
  synchronous: { suspectAfter: SUSPECT_AFTER, strict: true, mayVote: true },
  ...change,
});

export const codeOf = (work: Promise<unknown>): Promise<string> =>
  work.then(
    () => 'done',
    (error: unknown) => (error instanceof StepError ? error.code : String(error)),
  );

export const streaming = (member: TestMember) =>
  until(`${member.options.name} streams`, async () => ((await member.running()).streaming ? true : undefined));

export const createCluster = async (change: Partial<DatabaseConfig> = {}): Promise<TestCluster> => {
  const lab = await createLab();
  const [a, b, c] = [await lab.member('a'), await lab.member('b'), await lab.member('c')];
  const { systemId } = await a.database.initialize(step());
  for (const member of [a, b, c]) await member.database.configure({ ...step(), ...syncConfig(member, change) });
  await a.database.start({ ...step(), source: undefined });
  await a.database.acknowledge({ ...step(), from: undefined, wanted: { voters: [], acks: 0 } });
  await a.database.promote({ ...step(), generation: 2 });
  await a.sql('create table t (n int)');
  for (const member of [b, c]) {
    await member.database.clone({ ...step(), from: a.source, systemId });
    await member.database.start({ ...step(), source: a.source });
  }
  for (const member of [b, c]) await streaming(member);
  return { lab, systemId, members: { a, b, c }, close: lab.close };
};

/** A client of the database that commits and says what became of it. */
export const client = (member: TestMember): Promise<Session> =>
  openSession(
    clock,
    {
      host: member.options.socketDir,
      port: member.options.port,
      account: member.options.credentials.superuser,
      applicationName: 'client',
      settings: { search_path: 'public', statement_timeout: '0' },
    },
    step(),
  );

/** Commits one row in a session of its own: `acknowledged`, or `waits` when it was not within the time. */
export const commit = async (member: TestMember, within = 600): Promise<'acknowledged' | 'waits'> => {
  const session = await client(member);
  try {
    await session.rows(step(within), 'insert into t values (1)');
    return 'acknowledged';
  } catch {
    await member.sql(`select pg_terminate_backend(${session.backend})`);
    return 'waits';
  } finally {
    session.close();
  }
};

const processOf = async (member: TestMember, condition: string): Promise<ProcessInfo> => {
  const [row] = await member.sql(`select pid from pg_stat_activity where ${condition}`);
  const found = processes.find(Number(row?.['pid']));
  if (found === undefined) throw new Error(`no process with ${condition}`);
  return found;
};

export const checkpointerOf = (member: TestMember): Promise<ProcessInfo> =>
  processOf(member, `backend_type = 'checkpointer'`);
export const senderTo = (member: TestMember, receiver: TestMember): Promise<ProcessInfo> =>
  processOf(member, `backend_type = 'walsender' and application_name = '${voter(receiver)}'`);

/** Runs `work` while a process is stopped. */
export const whileStopped = async <T>(found: ProcessInfo, work: () => Promise<T>): Promise<T> => {
  processes.signal(found, 'SIGSTOP');
  try {
    return await work();
  } finally {
    processes.signal(found, 'SIGCONT');
  }
};

export const shownNames = async (member: TestMember): Promise<string> =>
  (await member.sql('show synchronous_standby_names'))[0]?.['synchronous_standby_names'] ?? '';

/** Sessions that wait for acknowledgements. */
export const waiters = async (member: TestMember): Promise<number> =>
  (await member.sql(`select 1 from pg_stat_activity where wait_event = 'SyncRep'`)).length;
