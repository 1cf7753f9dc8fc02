import { mkdirSync, mkdtempSync, readFileSync, rmSync, symlinkSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { createClock } from '../../../src/adapters/os/clock.ts';
import { createProcesses } from '../../../src/adapters/os/processes.ts';
import { ms } from '../../../src/core/brand.ts';
import type { ProcessId } from '../../../src/ports/processes.ts';

const processes = createProcesses({ clock: createClock() });
const signal = AbortSignal.timeout(30_000);
const within = { timeout: ms(4_000), signal };
const shell = (script: string): { file: string; args: string[] } => ({ file: '/bin/sh', args: ['-c', script] });

let folder: string;
let launched: ProcessId[];
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'haagent-os-'));
  launched = [];
});
afterEach(() => {
  for (const id of launched) processes.signal(id, 'SIGKILL');
  for (const id of processes.within(folder)) processes.signal(id, 'SIGKILL');
  rmSync(folder, { recursive: true, force: true });
});
const launch = async (script: string, more: { cwd?: string; uid?: number; gid?: number } = {}): Promise<ProcessId> => {
  const id = await processes.launch({ ...shell(script), ...more, output: join(folder, 'out') });
  launched.push(id);
  return id;
};

test('a program runs with input, output and exit code', async () => {
  const result = await processes.run({ ...shell('cat; echo err >&2; exit 3'), input: 'hello', ...within });
  expect(result).toMatchObject({ kind: 'exited', code: 3, stdout: 'hello', stderr: 'err\n' });
});

test('a program that is not there, or ends by a signal, is told apart from one that fails', async () => {
  expect(await processes.run({ file: '/nonexistent', args: [], ...within })).toMatchObject({ kind: 'not-started' });
  expect(await processes.run({ file: '/bin/sh', args: [], cwd: '/nonexistent', ...within })).toMatchObject({
    kind: 'not-started',
  });
  expect(await processes.run({ ...shell('kill -9 $$'), ...within })).toMatchObject({
    kind: 'killed',
    signal: 'SIGKILL',
  });
});

test('at its timeout the whole group is killed, also what ignores SIGTERM', async () => {
  const script = 'trap "" TERM; sleep 60 & trap "" TERM; echo begun; while :; do sleep 1; done';
  const result = await processes.run({ ...shell(script), cwd: folder, timeout: ms(200), signal });
  expect(result).toMatchObject({ kind: 'timed-out', stdout: 'begun\n' });
  await vi.waitFor(() => expect(processes.within(folder)).toEqual([]));
});

test('an abort ends the program; one before the start starts nothing', async () => {
  const controller = new AbortController();
  const running = processes.run({ ...shell('sleep 60'), cwd: folder, timeout: ms(60_000), signal: controller.signal });
  await vi.waitFor(() => expect(processes.within(folder)).not.toEqual([]));
  controller.abort();
  expect(await running).toEqual({ kind: 'aborted' });
  expect(processes.within(folder)).toEqual([]);
  expect(await processes.run({ ...shell('true'), timeout: ms(1_000), signal: controller.signal })).toEqual({
    kind: 'aborted',
  });
});

test('a daemon that keeps the output open does not keep the run', async () => {
  const result = await processes.run({ ...shell('sleep 60 & echo done'), cwd: folder, ...within });
  expect(result).toMatchObject({ kind: 'exited', code: 0, stdout: 'done\n' });
  expect(processes.within(folder)).toHaveLength(1);
});

test('endless output is cut and does not grow', async () => {
  const result = await processes.run({ file: '/usr/bin/yes', args: [], timeout: ms(300), signal });
  if (result.kind !== 'timed-out') throw new Error(result.kind);
  expect(result.stdout.length).toBeLessThan(1_100_000);
});

test.runIf(process.getuid?.() === 0)('as another user, with that user`s groups and not ours', async () => {
  const nobody = await processes.run({ file: '/usr/bin/id', args: [], uid: 65534, gid: 65534, ...within });
  expect(nobody).toMatchObject({
    kind: 'exited',
    code: 0,
    stdout: expect.stringMatching(/^uid=65534.*=65534\(nogroup\)\n$/),
  });
  const missing = await processes.run({ file: '/nonexistent', args: [], uid: 65534, gid: 65534, ...within });
  expect(missing).toMatchObject({ kind: 'not-started', why: expect.stringContaining('/nonexistent') });
  const id = await launch('id -u; sleep 60', { uid: 65534, gid: 65534 });
  await vi.waitFor(() => expect(readFileSync(join(folder, 'out'), 'utf8')).toBe('65534\n'));
  expect(processes.alive(id)).toBe(true);
});

test('a launched program has a session of its own and is known by pid and start time', async () => {
  const id = await launch('echo hi; exec sleep 60', { cwd: folder });
  expect(processes.find(id.pid)).toMatchObject({ pid: id.pid, ppid: process.pid, startTime: id.startTime });
  expect(readFileSync(`/proc/${id.pid}/stat`, 'utf8').split(' ')[5]).toBe(String(id.pid));
  expect(processes.alive({ ...id, startTime: '1' })).toBe(false);
  expect(processes.signal({ ...id, startTime: '1' }, 'SIGKILL')).toBe(false);
  expect(processes.signal(id, 'SIGKILL')).toBe(true);
  await vi.waitFor(() => expect(processes.alive(id)).toBe(false));
  expect(processes.find(id.pid)).toBeUndefined();
  await expect(launch('true', { cwd: '/nonexistent' })).rejects.toThrow('/bin/sh');
});

test('the end of a process is told once, for children and strangers, unless cancelled', async () => {
  const child = await launch('exec sleep 60');
  const stranger = await launch(`cd ${folder}; (exec sleep 60) & exec sleep 60`);
  await vi.waitFor(() => expect(processes.within(folder)).toHaveLength(2));
  const grandchild = processes.within(folder).find((info) => info.pid !== stranger.pid)!;
  const told: string[] = [];
  processes.onExit(child, () => told.push('child'));
  processes.onExit(grandchild, () => told.push('grandchild'));
  processes.onExit(stranger, () => told.push('cancelled'))();
  for (const id of [child, grandchild, stranger]) processes.signal(id, 'SIGKILL');
  await vi.waitFor(() => expect(told.sort()).toEqual(['child', 'grandchild']));
  const late = new Promise<void>((resolve) => {
    processes.onExit(child, resolve);
  });
  await late;
});

test('the tree of a directory: who stands in it, all descendants wherever they stand, no zombies, nobody else', async () => {
  const data = join(folder, 'data');
  mkdirSync(data);
  symlinkSync(data, join(folder, 'link'));
  const main = await launch(`cd ${data}; (cd /; setsid sleep 60) & setsid sleep 61 & sh -c 'exit 0' & exec sleep 62`);
  const neighbour = await launch(`cd ${folder}; exec sleep 60`);
  const commands = (directory: string): string[] =>
    processes
      .within(directory)
      .map((info) => readFileSync(`/proc/${info.pid}/cmdline`, 'utf8').replaceAll('\0', ' ').trim())
      .sort();
  await vi.waitFor(() => expect(commands(data)).toEqual(['sleep 60', 'sleep 61', 'sleep 62']));
  expect(commands(join(folder, 'link'))).toEqual(commands(data));
  expect(processes.within(data).map((info) => info.pid)).toContain(main.pid);
  expect(processes.within(data).map((info) => info.pid)).not.toContain(neighbour.pid);
  rmSync(data, { recursive: true });
  expect(processes.within(data)).toHaveLength(3);
  for (const info of processes.within(data)) processes.signal(info, 'SIGKILL');
  await vi.waitFor(() => expect(processes.within(data)).toEqual([]));
});

test('an operator`s shell that stands in the directory is not the database', async () => {
  const terminal = await launch(`exec script -qec 'cd ${folder}; sleep 60 & exec sh -c "sleep 61; true"' /dev/null`);
  const standing = async (): Promise<string> => {
    const result = await processes.run({ ...shell(`for p in /proc/[0-9]*; do readlink $p/cwd; done`), ...within });
    return result.kind === 'exited' ? result.stdout : '';
  };
  await vi.waitFor(async () => expect((await standing()).split('\n')).toContain(folder), { timeout: 3_000 });
  expect(processes.within(folder)).toEqual([]);
  processes.signal(terminal, 'SIGKILL');
});

test('the root directory and relative paths are refused', () => {
  for (const directory of ['/', '//', '', 'data', './data'])
    expect(() => processes.within(directory)).toThrow('not an absolute path below /');
});
