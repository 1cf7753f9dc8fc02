import { execFileSync } from 'node:child_process';
import { existsSync, mkdirSync, readFileSync, rmdirSync, rmSync, statSync, symlinkSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { afterAll, afterEach, beforeEach, expect, test, vi } from 'vitest';
import { cgroupEntrance } from '../../../src/adapters/os/cgroup.ts';
import { fenceTree, type FenceOutcome } from '../../../src/adapters/os/fence.ts';
import { ms } from '../../../src/core/brand.ts';
import type { GuardTarget } from '../../../src/ports/guard.ts';
import type { Processes } from '../../../src/ports/processes.ts';
import { clock, createLab, processes, signal, type Lab } from './lab.ts';

let lab: Lab;
beforeEach(async () => {
  lab = await createLab();
});
afterEach(() => lab.close());

const fence = (
  target: GuardTarget = lab.place.target,
  timeout = 3_000,
  over: Partial<Processes> = {},
): Promise<FenceOutcome> =>
  fenceTree({ processes: { ...processes, ...over }, clock, target, timeout: ms(timeout), signal: signal() });
const root = process.getuid?.() === 0;

test('kills all of the tree and nobody else, and puts the mark back', async () => {
  const neighbour = await lab.neighbour();
  await lab.database();
  const outcome = await fence();
  expect(outcome).toMatchObject({ fenced: true });
  expect(outcome.killed).toBeGreaterThanOrEqual(5);
  expect(processes.within(lab.data)).toEqual([]);
  expect(existsSync(lab.mark)).toBe(true);
  expect(processes.alive(neighbour)).toBe(true);
});

test('kills a tree whose first process is stopped, and one whose first process is dead', async () => {
  const main = await lab.database();
  processes.signal(main, 'SIGSTOP');
  expect(await fence()).toMatchObject({ fenced: true });
  const second = await lab.database();
  processes.signal(second, 'SIGKILL');
  await vi.waitFor(() => expect(processes.alive(second)).toBe(false), 10_000);
  expect(processes.within(lab.data).length).toBeGreaterThan(0);
  expect(await fence()).toMatchObject({ fenced: true });
  expect(processes.within(lab.data)).toEqual([]);
});

test('can be repeated, and has nothing to do where nothing is', async () => {
  expect(await fence()).toMatchObject({ fenced: true, killed: 0 });
  rmSync(lab.mark);
  expect(await fence()).toMatchObject({ fenced: true, killed: 0 });
  expect(existsSync(lab.mark)).toBe(true);
  rmSync(lab.data, { recursive: true });
  expect(await fence()).toMatchObject({ fenced: true, killed: 0 });
});

test('finds the database through a symbolic link, and in a directory that was removed', async () => {
  symlinkSync(lab.data, join(lab.folder, 'link'));
  await lab.database();
  expect(await fence({ ...lab.place.target, dataDir: join(lab.folder, 'link') })).toMatchObject({ fenced: true });
  expect(processes.within(lab.data)).toEqual([]);
});

test('catches a database that starts faster than it is killed', async () => {
  const script = 'i=0; while [ $i -lt 200 ]; do i=$((i+1)); (setsid sh -c "sleep 0.3; exec sleep 30" &); done; wait';
  const forker = await lab.launch('/bin/sh', ['-c', script], lab.data);
  await vi.waitFor(() => expect(processes.within(lab.data).length).toBeGreaterThan(20), { interval: 5 });
  expect(await fence()).toMatchObject({ fenced: true });
  expect(processes.alive(forker)).toBe(false);
  expect(processes.within(lab.data)).toEqual([]);
});

test('refuses targets that could mean other processes', async () => {
  for (const dataDir of ['/', '//', '', '.', 'data', '../data'])
    await expect(fence({ ...lab.place.target, dataDir })).rejects.toThrow('not an absolute path');
  await expect(fence({ ...lab.place.target, replicaMark: 'mark' })).rejects.toThrow('not an absolute path');
});

test('never kills itself, though it stands in the directory', async () => {
  const before = process.cwd();
  process.chdir(lab.data);
  try {
    expect(await fence()).toMatchObject({ fenced: true, killed: 0 });
  } finally {
    process.chdir(before);
  }
});

test('a mark that cannot be put back is no fence, and the reason is given', async () => {
  writeFileSync(join(lab.folder, 'file'), '');
  const outcome = await fence({ ...lab.place.target, replicaMark: join(lab.folder, 'file', 'mark') });
  expect(outcome).toMatchObject({
    fenced: false,
    stuck: [],
    why: expect.stringContaining('could come up as a primary'),
  });
});

test('an abort ends it', async () => {
  const controller = new AbortController();
  await lab.database();
  const fencing = fenceTree({
    processes: { ...processes, signal: () => true },
    clock,
    target: lab.place.target,
    timeout: ms(30_000),
    signal: controller.signal,
  });
  controller.abort(new Error('enough'));
  await expect(fencing).rejects.toThrow('enough');
});

test.runIf(root)('the mark belongs to the database`s user', async () => {
  await fence({ ...lab.place.target, uid: 65534, gid: 65534 });
  expect(statSync(lab.mark)).toMatchObject({ uid: 65534, gid: 65534 });
});

const group = `test-${process.pid}`;
const entrance = root ? cgroupEntrance(group) : undefined;
afterAll(() => {
  if (entrance !== undefined) rmdirSync(dirname(entrance));
});

test.runIf(entrance !== undefined)('kills a control group with all that is in it, wherever it stands', async () => {
  const members = (): string[] => readFileSync(entrance!, 'utf8').split('\n').slice(0, -1);
  const script = '(cd /; setsid sh -c "sleep 1004 & exec sleep 1005" &); exec sleep 1006';
  const command = { file: '/bin/sh', args: ['-c', script], cwd: lab.data, output: join(lab.folder, 'out') };
  const neighbour = await lab.neighbour();
  const main = await processes.launch({ ...command, group });
  await vi.waitFor(() => expect(members().length).toBe(3), 5_000);
  await vi.waitFor(() => expect(processes.within(lab.data).map((info) => info.pid)).toEqual([main.pid]), 5_000);
  expect(await fence()).toMatchObject({ fenced: true, killed: 1 });
  await vi.waitFor(() => expect(members()).toEqual([]), 5_000);
  expect(processes.alive(neighbour)).toBe(true);
});

test.runIf(root)('a process that waits for a frozen disk cannot be killed: it is said, by its number', async () => {
  const disk = join(lab.folder, 'disk');
  const mount = join(lab.folder, 'mounted');
  mkdirSync(mount);
  execFileSync('/bin/sh', ['-c', `truncate -s 16M ${disk} && mkfs.ext4 -q ${disk} && mount -o loop ${disk} ${mount}`]);
  try {
    const target = { dataDir: join(mount, 'data'), replicaMark: join(mount, 'data', 'mark') };
    mkdirSync(target.dataDir);
    await lab.launch('/bin/sh', ['-c', 'while :; do echo x >> writes; done'], target.dataDir);
    await lab.launch('/bin/sleep', ['1007'], target.dataDir);
    await vi.waitFor(() => expect(existsSync(join(target.dataDir, 'writes'))).toBe(true), 10_000);
    execFileSync('fsfreeze', ['--freeze', mount]);
    const states = (): string[] => processes.within(target.dataDir).map((info) => info.state);
    await vi.waitFor(() => expect(states()).toContain('D'), 3_000);
    const begun = clock.now().mono;
    const outcome = await fence(target, 600).finally(() => execFileSync('fsfreeze', ['--unfreeze', mount]));
    expect(outcome).toMatchObject({
      fenced: false,
      stuck: [expect.any(Number)],
      why: expect.stringContaining('in state D'),
    });
    expect(clock.now().mono - begun).toBeLessThan(1_500);
    expect(await fence(target)).toMatchObject({ fenced: true });
    expect(existsSync(target.replicaMark)).toBe(true);
  } finally {
    execFileSync('umount', [mount]);
  }
});
