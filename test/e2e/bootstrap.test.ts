import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { basename, dirname } from 'node:path';
import { afterEach, expect, test } from 'vitest';
import type { Lab, LabMember } from '../../chaos/lab/lab.ts';
import { signalProc, type Proc } from '../../chaos/lab/proc.ts';
import { createLab } from '../../chaos/lab/process-lab.ts';
import { pause } from '../../chaos/lab/wait.ts';
import { showLogsOnFailure } from './cluster.ts';

const TTL_MS = 4_000;
const DEADLINE_MS = 60_000;

let lab: Lab | undefined;
afterEach(async () => {
  await lab?.stop();
  lab = undefined;
});

const createsData = ({ args }: Proc): boolean => args.some((arg) => arg.endsWith('/initdb'));

/** Three members that start for the first time, and the one of them that creates the database. */
const beginBootstrap = async (): Promise<{ readonly lab: Lab; readonly creator: LabMember }> => {
  const made = await createLab({ engine: 'postgres', members: 3, haproxy: false, ttlMs: TTL_MS, restartAfterMs: 100 });
  lab = made;
  showLogsOnFailure(made);
  await made.start();
  const creator = await made.waitFor(
    'a member creates the database',
    () => Promise.resolve(made.members.find(({ name }) => made.processes(name, 'all').some(createsData))),
    { deadlineMs: DEADLINE_MS, everyMs: 2 },
  );
  return { lab: made, creator };
};

/** All is well, with one database for all, and nothing half-made lies about. */
const isWhole = async (made: Lab): Promise<void> => {
  await made.waitForHealthy({ deadlineMs: DEADLINE_MS });
  const identities = await Promise.all(
    made.members.map(({ name }) => made.query(name, 'SELECT system_identifier::text AS id FROM pg_control_system()')),
  );
  expect(new Set(identities.map((rows) => rows[0]?.['id'])).size).toBe(1);
  for (const { dataDir } of made.members) expect(existsSync(`${dataDir}.new`)).toBe(false);
};

const keptBy = ({ dataDir }: LabMember): readonly string[] =>
  readdirSync(dirname(dataDir)).filter((name) => name.startsWith(`${basename(dataDir)}.kept-`));

test('the agent that creates the database hangs past the ttl: another creates one, and the first copies it and sets its own aside', async () => {
  const { lab: made, creator } = await beginBootstrap();
  const [agent] = made.processes(creator.name, 'agent');
  expect(agent !== undefined && signalProc(agent, 'SIGSTOP')).toBe(true);
  const others = made.members.map(({ name }) => name).filter((name) => name !== creator.name);
  await made.waitForHealthy({ deadlineMs: DEADLINE_MS, members: others });
  await made.thaw(creator.name, 'agent');
  await isWhole(made);
  expect(keptBy(creator)).toHaveLength(1);
  expect(readFileSync(creator.logFile, 'utf8')).toMatch(/never used: it is set aside/);
});

const struck = ['agent', 'guard', 'initdb'] as const;
for (const victim of struck)
  test(`SIGKILL of the ${victim} of the member that creates the database: one database comes of it`, async () => {
    const { lab: made, creator } = await beginBootstrap();
    const procs = made.processes(creator.name, victim === 'initdb' ? 'all' : victim);
    for (const proc of victim === 'initdb' ? procs.filter(createsData) : procs) signalProc(proc, 'SIGKILL');
    await isWhole(made);
  });

const held = ['guard', 'initdb'] as const;
for (const victim of held)
  test(`the ${victim} of the member that creates the database hangs past the ttl: one database comes of it`, async () => {
    const { lab: made, creator } = await beginBootstrap();
    const procs = made.processes(creator.name, victim === 'initdb' ? 'all' : victim);
    const hung = victim === 'initdb' ? procs.filter(createsData) : procs;
    for (const proc of hung) signalProc(proc, 'SIGSTOP');
    await pause(2 * TTL_MS);
    for (const proc of hung) signalProc(proc, 'SIGCONT');
    await isWhole(made);
  });
