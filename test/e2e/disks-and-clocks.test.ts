import { chmodSync, mkdirSync, readdirSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { findFaketime } from '../../chaos/lab/host-clock.ts';
import { findPostgresBin } from '../../chaos/lab/host.ts';
import { showLogsOnFailure, useLab } from './cluster.ts';
import { pause } from '../../chaos/lab/wait.ts';

const DEADLINE_MS = 90_000;
const TTL_MS = 5_000;

const cluster = useLab({
  engine: 'postgres',
  members: [],
  haproxy: false,
  ttlMs: TTL_MS,
  restartAfterMs: 100,
  volumes: true,
  clock: true,
});

/** The server's programs, of which `postgres` sees the clock of its host, as its agent does. */
const programsOn = (name: string): string => {
  const [real, own] = [findPostgresBin(), join(cluster.lab.dir, `bin-${name}`)];
  mkdirSync(own);
  for (const program of readdirSync(real)) symlinkSync(join(real, program), join(own, program));
  rmSync(join(own, 'postgres'));
  const clock = Object.entries({
    LD_PRELOAD: findFaketime() ?? '',
    FAKETIME_TIMESTAMP_FILE: join(cluster.lab.dir, 'clocks', name),
    FAKETIME_CACHE_DURATION: '1',
    FAKETIME_DONT_FAKE_MONOTONIC: '1',
    FAKETIME_DISABLE_SHM: '1',
  }).map(([key, value]) => `${key}=${value}`);
  writeFileSync(join(own, 'postgres'), `#!/bin/sh\nexec env ${clock.join(' ')} ${real}/postgres "$@"\n`);
  chmodSync(join(own, 'postgres'), 0o755);
  return own;
};

/** How many seconds a database's wall clock is ahead. */
const ahead = async (name: string): Promise<number> => {
  const [row] = await cluster.lab.query(name, 'SELECT extract(epoch FROM clock_timestamp())::float8 AS now');
  return Math.round(Number(row?.['now']) - Date.now() / 1_000);
};

const others = (primary: string): readonly string[] =>
  cluster.lab.members.map(({ name }) => name).filter((name) => name !== primary);
const postmasters = (): readonly (number | undefined)[] =>
  cluster.lab.members.map(({ name }) => cluster.lab.processes(name, 'postmaster')[0]?.pid);
const decision = async (name: string): Promise<string> => (await cluster.lab.get(name, '/why'))?.body ?? '';
const term = async (name: string): Promise<unknown> => {
  const status: unknown = JSON.parse((await cluster.lab.get(name, '/status'))?.body ?? '{}');
  return typeof status === 'object' && status !== null && 'term' in status ? status.term : undefined;
};

test('wall clocks that jump, of agents and databases alike, change nothing', async () => {
  const { lab } = cluster;
  for (const name of ['pg1', 'pg2', 'pg3'])
    await lab.addMember({ name, config: { postgresql: { bin_dir: programsOn(name) } } });
  showLogsOnFailure(lab);
  await lab.start();
  const primary = await lab.waitForHealthy({ deadlineMs: DEADLINE_MS });
  const [before, reign] = [postmasters(), await term(primary)];
  for (const seconds of [3_600, -3_600, 86_400 * 365, -37, 0])
    for (const { name } of lab.members) {
      await lab.clock?.step(name, seconds);
      await lab.waitFor(
        `the clock of ${name} is ${seconds} s ahead`,
        async () => Math.abs((await ahead(name)) - seconds) < 5,
        { deadlineMs: 10_000 },
      );
      expect(await lab.leader()).toBe(primary);
    }
  await pause(TTL_MS);
  expect(await lab.waitForHealthy({ deadlineMs: DEADLINE_MS })).toBe(primary);
  expect(postmasters()).toEqual(before);
  expect(await term(primary)).toEqual(reign);
});

test('a full disk moves the leadership to a member with room, without loss; the full one rejoins when it has room', async () => {
  const { lab } = cluster;
  showLogsOnFailure(lab);
  const primary = await lab.waitForHealthy({ deadlineMs: DEADLINE_MS });
  await lab.query(primary, 'CREATE TABLE before_it_was_full AS SELECT generate_series(1, 1000) AS n');
  await lab.volumes?.fill(primary);
  const next = await lab.waitForLeader({ not: primary, deadlineMs: DEADLINE_MS });
  expect(await lab.query(next, 'SELECT count(*)::int AS rows FROM before_it_was_full')).toEqual([{ rows: 1_000 }]);
  await lab.waitFor(
    `${next} counts ${primary} out, and says why`,
    async () => /its disk is (nearly )?full|not a running replica/.test(await decision(next)),
    { deadlineMs: DEADLINE_MS },
  );
  await lab.volumes?.empty(primary);
  await lab.waitForHealthy({ deadlineMs: DEADLINE_MS });
});

test('where every disk is full nobody moves, and the leader says why it does not fail over', async () => {
  const { lab } = cluster;
  showLogsOnFailure(lab);
  const primary = await lab.waitForHealthy({ deadlineMs: DEADLINE_MS });
  for (const name of [...others(primary), primary]) await lab.volumes?.fill(name);
  await lab.waitFor(
    'the leader names what keeps each member from leading',
    async () => {
      const said = await decision(primary);
      return others(primary).every((name) =>
        new RegExp(`not failing over because [^"]*${name}: [^"]*disk is full`).test(said),
      );
    },
    { deadlineMs: DEADLINE_MS },
  );
  // Its database may have ended for want of room, and be started again in place; the leadership does not wander.
  const until = performance.now() + 2 * TTL_MS;
  while (performance.now() < until) {
    const leads = /"leader":"(\w+)"/.exec(await decision(primary))?.[1];
    if (leads !== undefined) expect(leads).toBe(primary);
    await pause(200);
  }
  for (const { name } of lab.members) await lab.volumes?.empty(name);
  // Whoever has room first may lead: the others are still full then.
  await lab.waitForHealthy({ deadlineMs: DEADLINE_MS });
});
