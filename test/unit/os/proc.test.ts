import { expect, test } from 'vitest';
import { groupDirectory } from '../../../src/adapters/os/cgroup.ts';
import { createCappedText } from '../../../src/adapters/os/capped.ts';
import { isDead, parseStat, readAll, readStat } from '../../../src/adapters/os/proc.ts';
import { spawnable } from '../../../src/adapters/os/spawn-options.ts';

const stat = (command: string, state = 'S', threads = 1): string =>
  `4242 (${command}) ${state} 17 4242 4242 0 -1 4194560 1 0 0 0 0 0 0 0 20 0 ${threads} 0 98765 1 2 3`;

test('a command name may hold blanks, brackets and line ends', () => {
  for (const command of ['postgres', 'a b', ') S 1 (', 'x\ny'])
    expect(parseStat(stat(command))).toMatchObject({ pid: 4242, command, state: 'S', ppid: 17, startTime: '98765' });
});

test('what is no stat line is nothing', () => {
  for (const text of ['', '12', '12 (cut', 'x (y) S 1 2 3']) expect(parseStat(text)).toBeUndefined();
});

test('a zombie is dead, unless other threads of it still run', () => {
  expect(isDead(parseStat(stat('a', 'Z'))!)).toBe(true);
  expect(isDead(parseStat(stat('a', 'Z', 3))!)).toBe(false);
  expect(isDead(parseStat(stat('a', 'D'))!)).toBe(false);
});

test('this process is found as it is', () => {
  const self = readStat(process.pid);
  expect(self).toMatchObject({ pid: process.pid, ppid: process.ppid });
  expect(readAll().get(process.pid)?.startTime).toBe(self?.startTime);
});

test('the directory of a control group follows the mount, also where only a part of the tree is mounted', () => {
  const mount = (root: string): string =>
    `31 23 0:28 / /sys rw - tmpfs tmpfs rw\n41 31 0:38 ${root} /cg rw - cgroup2 cgroup2 rw`;
  expect(groupDirectory(mount('/'), '4:memory:/x\n0::/a/b\n')).toBe('/cg/a/b');
  expect(groupDirectory(mount('/'), '0::/\n')).toBe('/cg');
  expect(groupDirectory(mount('/pod'), '0::/pod/b\n')).toBe('/cg/b');
  expect(groupDirectory(mount('/pod'), '0::/podium\n')).toBeUndefined();
  expect(groupDirectory('31 23 0:28 / /sys rw - tmpfs tmpfs rw', '0::/a\n')).toBeUndefined();
  expect(groupDirectory(mount('/'), '4:memory:/x\n')).toBeUndefined();
});

test('long output keeps its beginning and its end', () => {
  const text = createCappedText(10);
  for (const part of ['abc', 'defgh', 'ijklmnop']) text.add(Buffer.from(part));
  expect(text.text()).toBe('abcde\n… 6 bytes left out …\nlmnop');
  const short = createCappedText(10);
  short.add(Buffer.from('0123456789'));
  expect(short.text()).toBe('0123456789');
});

test('a child gets no setting of the agent, and no home of root as another user', () => {
  process.env['HAAGENT_SECRET'] = 'x';
  try {
    const { options } = spawnable({ file: 'a', args: [], env: { PGPORT: '1' }, uid: 12345 });
    expect(options.env).toMatchObject({ PGPORT: '1', PATH: process.env['PATH'] });
    expect(options.env).not.toHaveProperty('HAAGENT_SECRET');
    if (process.getuid?.() === 0) expect(options.env).not.toHaveProperty('HOME');
  } finally {
    delete process.env['HAAGENT_SECRET'];
  }
});
