import { newMemory } from '../../src/core/agent.ts';
import { leaseId, parseInstanceId, revision } from '../../src/core/brand.ts';
import type { Source } from '../../src/core/database.ts';
import type { Memory, Self, TaskResult } from '../../src/core/memory.ts';
import type { ClusterView, MemberRecord } from '../../src/core/model.ts';
import { DEFAULT_SETTINGS, NO_TAGS } from '../../src/core/settings.ts';
import { createExecutor } from '../../src/agent/executor.ts';
import type { Hooks } from '../../src/agent/hooks.ts';
import { momentOf } from '../../src/agent/loop.ts';
import type { Log } from '../../src/ports/log.ts';
import { clock, createLab, processes, step, until, type TestMember } from '../support/postgres.ts';
import { databaseContract } from './database.contract.ts';

const INSTANCE = parseInstanceId('inst1')!;
const LEASE = leaseId('1');
const quiet: Log = { debug: () => {}, info: () => {}, warn: () => {}, error: () => {}, child: () => quiet };
const noHooks: Hooks = { ask: async () => ({ kind: 'agreed' }), tell: () => {}, close: async () => {} };

const selfOf = ({ source }: TestMember): Self => ({
  name: source.member,
  agent: 'agent1',
  engine: 'postgresql',
  apiUrl: '',
  host: source.host,
  port: source.port,
  tags: NO_TAGS,
  version: '',
  bootstrapSettings: DEFAULT_SETTINGS,
  bootstrapDocument: {},
});

/** What an agent knows that follows this source: whom its copy is to follow is read from there. */
const memoryOf = (member: TestMember, leader: Source | undefined): Memory => {
  const memory = newMemory(selfOf(member), INSTANCE, momentOf(clock));
  if (leader === undefined) return memory;
  const record: MemberRecord = {
    name: leader.member,
    instance: INSTANCE,
    agent: 'agent1',
    lease: LEASE,
    apiUrl: '',
    host: leader.host,
    port: leader.port,
    role: 'primary',
    state: 'running',
    generation: 1,
    position: undefined,
    tags: NO_TAGS,
    pendingRestart: false,
    version: '',
    serverVersion: '',
  };
  const at = revision(1n);
  const view: ClusterView = {
    revision: at,
    initialize: undefined,
    settings: undefined,
    configuration: undefined,
    configVersions: new Map(),
    leader: { value: leader.member, modRevision: at },
    heartbeat: undefined,
    history: undefined,
    olderTerms: new Map(),
    sync: undefined,
    pledges: new Map(),
    suspects: new Map(),
    failsafe: undefined,
    members: new Map([[leader.member, { value: record, modRevision: at }]]),
    intents: [],
    fenced: new Set(),
    unreadable: new Set(),
    problems: [],
  };
  return { ...memory, view };
};

databaseContract('PostgreSQL', async () => {
  const lab = await createLab();
  return {
    close: lab.close,
    until: async (what, fact) => void (await until(what, async () => ((await fact()) ? true : undefined), 20_000)),
    member: async (name) => {
      const member = await lab.member(name);
      let leader: Source | undefined;
      let told: (result: TaskResult) => void = () => {};
      const executor = createExecutor({
        database: member.database,
        clock,
        log: quiet,
        hooks: noHooks,
        memory: () => memoryOf(member, leader),
        renewInstance: async () => INSTANCE,
        ended: (_, result) => told(result),
      });
      return {
        source: member.source,
        compare: (x, y) => member.database.positions.compare(x, y),
        look: () => member.database.observe(step(3_000)),
        write: async () => {
          await member.sql('create table if not exists t (n int)');
          await member.sql('insert into t values (1)');
        },
        kill: (what) => kill(member, what),
        run: (task) => {
          leader = task.kind === 'clone' || task.kind === 'rewind' ? task.from : undefined;
          const { promise, resolve } = Promise.withResolvers<TaskResult>();
          told = resolve;
          executor.run(task);
          return promise;
        },
      };
    },
  };
});

const kill = async (member: TestMember, what: 'all' | 'postmaster'): Promise<void> => {
  const within = (): ReturnType<typeof processes.within> => processes.within(member.options.dataDir);
  if (what === 'all') {
    await until('every process is gone', async () => {
      for (const each of within()) processes.signal(each, 'SIGKILL');
      return within().length === 0 ? true : undefined;
    });
    return;
  }
  // A backend that computes does not notice that its postmaster is dead.
  const busy = member.sql('select count(*) from generate_series(1, 500000000)', 60_000).catch(() => []);
  await until('a backend is busy', async () => {
    const rows = await member.sql(
      "select 1 from pg_stat_activity where state = 'active' and query like 'select count%'",
    );
    return rows.length > 0 ? true : undefined;
  });
  const view = await member.database.observe(step(3_000));
  if (view.kind !== 'running') throw new Error('it does not run');
  const rows = await member.sql("select pg_read_file('postmaster.pid') as pid");
  process.kill(Number(String(rows[0]?.['pid']).split('\n')[0]), 'SIGKILL');
  await until('the postmaster is seen to be gone', async () =>
    (await member.database.observe(step(3_000))).kind === 'stopped' ? true : undefined,
  );
  void busy;
};
