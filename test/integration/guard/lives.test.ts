import { execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import {
  closeSync,
  constants,
  existsSync,
  openSync,
  readFileSync,
  readSync,
  statSync,
  unlinkSync,
  writeFileSync,
} from 'node:fs';
import { connect } from 'node:net';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { ms } from '../../../src/core/brand.ts';
import { ahead, clock, createLab, isUp, order, processes, term, type Lab } from './lab.ts';

let lab: Lab;
beforeEach(async () => {
  lab = await createLab({ watchdog: 'watchdog' });
  writeFileSync(join(lab.folder, 'watchdog'), '');
});
afterEach(() => lab.close());

const running = (): number => processes.within(lab.data).length;
const connected = async (): Promise<ReturnType<Lab['client']>> => {
  const client = lab.client();
  await vi.waitFor(() => expect(client.state().alive).toBe(true), 10_000);
  return client;
};
/** Even root may lack the capability. */
const mayProtect = async (): Promise<boolean> => {
  const args = ['-c', 'echo -1000 > /proc/self/oom_score_adj'];
  const result = await processes.run({ file: '/bin/sh', args, timeout: ms(2_000), signal: order.signal });
  return result.kind === 'exited' && result.code === 0;
};
const message = (fields: object): string => JSON.stringify({ id: 1, token: lab.place.token, ...fields });

test('a second guard for the same socket refuses to start; the first goes on', async () => {
  await connected();
  const first = lab.guard()!;
  const second = spawn(process.execPath, lab.guardArguments(), { env: { HAAGENT_GUARD_TOKEN: 'x' }, stdio: 'ignore' });
  expect(await once(second, 'exit')).toEqual([3, null]);
  expect(lab.guard()).toEqual(first);
  expect(await lab.say(message({ kind: 'state' }))).toContain('"kind":"ack"');
});

test('a stale socket is replaced', async () => {
  const client = await connected();
  await client.close();
  lab.kill(lab.guard());
  await vi.waitFor(() => expect(lab.guard()).toBeUndefined(), 10_000);
  expect(existsSync(lab.place.socket)).toBe(true);
  await connected();
});

test('wrong usage is said, with exit code 2', async () => {
  const entry = lab.place.entry!;
  const child = spawn(process.execPath, [entry, '--socket', 'x'], { stdio: ['ignore', 'ignore', 'pipe'] });
  const [text]: Buffer[] = (await once(child.stderr, 'data')) as Buffer[];
  expect(text?.toString()).toContain('usage: haagent-guard');
  expect(await once(child, 'exit')).toEqual([2, null]);
});

test('only its own user may speak to it, and whatever is said does not end it', async () => {
  await connected();
  const guard = lab.guard();
  expect(statSync(lab.place.socket).mode & 0o777).toBe(0o600);
  for (const [line, answer] of [
    ['nonsense', 'malformed'],
    ['{"id":1}', 'token is missing'],
    [message({ kind: 'explode' }), 'malformed'],
    [message({ kind: 'arm', term: '5', deadline: { mono: 'x' } }), 'deadline is not'],
    [message({ kind: 'arm', term: '5', deadline: ahead(600_000) }), 'deadline-too-far'],
    [message({ kind: 'arm', term: '5', deadline: ahead(10) }), 'deadline-passed'],
    [message({ kind: 'arm', term: '5', deadline: ahead(9_000), token: 'theirs' }), 'wrong-token'],
    [message({ kind: 'state', token: 'theirs' }), 'wrong-token'],
    ['x'.repeat(20_000), 'closed'],
  ] as const)
    expect(await lab.say(line)).toContain(answer);
  for (let count = 0; count < 50; count++)
    connect(lab.place.socket)
      .on('error', () => undefined)
      .destroy();
  expect(await lab.say(message({ kind: 'state' }))).toContain('"phase":"watching"');
  expect(lab.guard()).toEqual(guard);
  expect(lab.log()).not.toContain(lab.place.token);
});

test('a new agent takes a running guard over, and reads its term and deadline', async () => {
  const first = await connected();
  const deadline = ahead(20_000);
  await first.arm({ ...order, term: term(2 ** 40), deadline });
  const guard = lab.guard()!;
  await first.close();
  await first.close();
  const second = await connected();
  expect(second.state()).toMatchObject({ pid: guard.pid, armed: { term: term(2 ** 40), deadline } });
  await second.disarm({ ...order, term: term(2 ** 40) });
  expect(second.events).toEqual([{ kind: 'connected' }]);
});

test('an agent of another cluster cannot arm it, and gets the reason', async () => {
  await connected();
  const stranger = lab.client({ token: 'cluster two' });
  await expect(
    stranger.arm({ term: term(9), deadline: ahead(9_000), timeout: ms(800), signal: order.signal }),
  ).rejects.toMatchObject({
    code: 'timed-out',
  });
  expect(stranger.state().alive).toBe(false);
});

test('a guard for another data directory is replaced', async () => {
  const first = await connected();
  await first.close();
  const moved = lab.client({ target: { dataDir: lab.folder, replicaMark: lab.mark } });
  writeFileSync(lab.mark, '');
  await vi.waitFor(() => expect(moved.state().alive).toBe(true), 20_000);
  expect(moved.state().pid).not.toBe(first.state().pid);
});

test('SIGTERM: ends when disarmed, fences first when armed, leaves the database when stood down', async () => {
  const client = await connected();
  const watcher = lab.place.entry!;
  const end = async (): Promise<void> => {
    await client.close();
    const guard = lab.guard()!;
    processes.signal(guard, 'SIGTERM');
    await vi.waitFor(() => expect(processes.alive(guard)).toBe(false), 10_000);
    expect(existsSync(lab.place.socket)).toBe(false);
  };
  expect(watcher).toBeDefined();
  await end();
  expect(existsSync(lab.place.stateFile)).toBe(false);

  const armed = await connected();
  await armed.arm({ ...order, term: term(5), deadline: ahead(30_000) });
  await armed.close();
  await lab.database();
  await end();
  expect(running()).toBe(0);
  expect(existsSync(lab.mark)).toBe(true);

  const paused = await connected();
  await paused.disarm({ ...order, term: term(5) });
  await paused.arm({ ...order, term: term(5), deadline: ahead(30_000) });
  await paused.standDown({ ...order, term: term(5) });
  await paused.close();
  await lab.database();
  await end();
  expect(isUp(lab)).toBe(true);
  await lab.startGuard();
  await vi.waitFor(() => expect(lab.guard()).toBeDefined(), 10_000);
  await clock.sleep(ms(1_500), order);
  expect(isUp(lab)).toBe(true);
});

test('the watchdog is pinged by deadlines only, and let go only where nothing has to be stopped', async () => {
  const watchdog = (): string => readFileSync(join(lab.folder, 'watchdog'), 'utf8');
  const client = await connected();
  await client.disarm({ ...order, term: term(4) });
  expect(watchdog()).toBe('');
  await client.arm({ ...order, term: term(5), deadline: ahead(10_000) });
  await client.arm({ ...order, term: term(5), deadline: ahead(11_000) });
  expect(watchdog()).toBe('11');
  await client.disarm({ ...order, term: term(5) });
  expect(watchdog()).toBe('11V');
  await client.arm({ ...order, term: term(6), deadline: ahead(11_000) });
  lab.kill(lab.guard());
  await vi.waitFor(
    () => expect(client.events.map((event) => event.kind)).toEqual(['connected', 'lost', 'connected']),
    10_000,
  );
  await client.disarm({ ...order, term: term(6) });
  expect(watchdog()).toMatch(/^11V1+V$/);
});

test('a device that takes each ping once hears nothing of a guard that is stopped, so that it would reset the host', async () => {
  const path = join(lab.folder, 'watchdog');
  unlinkSync(path);
  execFileSync('mkfifo', [path]);
  const device = openSync(path, constants.O_RDONLY | constants.O_NONBLOCK);
  const taken = (): string => {
    const bytes = Buffer.alloc(64);
    try {
      return bytes.toString('latin1', 0, readSync(device, bytes));
    } catch {
      return ''; // nothing has come
    }
  };
  try {
    const client = await connected();
    await client.arm({ ...order, term: term(5), deadline: ahead(10_000) });
    expect(taken()).toBe('1');
    const guard = lab.guard();
    if (guard === undefined) throw new Error('there is no guard');
    processes.signal(guard, 'SIGSTOP');
    await expect(client.arm({ ...order, timeout: ms(300), term: term(5), deadline: ahead(11_000) })).rejects.toThrow();
    expect(taken()).toBe('');
    processes.signal(guard, 'SIGCONT');
    await vi.waitFor(() => client.arm({ ...order, term: term(5), deadline: ahead(10_000) }), 10_000);
    await client.disarm({ ...order, term: term(5) });
    expect(taken()).toMatch(/^1+V$/);
  } finally {
    closeSync(device);
  }
});

test('a socket whose folder was swept is made again', async () => {
  const client = await connected();
  unlinkSync(lab.place.socket);
  await vi.waitFor(() => expect(existsSync(lab.place.socket)).toBe(true), 10_000);
  expect(await lab.say(message({ kind: 'state' }))).toContain(`"pid":${client.state().pid}`);
});

test('it is small and nearly idle while armed, and the last to be killed for memory', async () => {
  const client = await connected();
  await client.arm({ ...order, term: term(5), deadline: ahead(30_000) });
  await client.close();
  const { pid } = lab.guard()!;
  const ticks = (): number =>
    readFileSync(`/proc/${pid}/stat`, 'utf8')
      .split(' ')
      .slice(13, 15)
      .map(Number)
      .reduce((a, b) => a + b, 0);
  await clock.sleep(ms(1_000), order);
  const before = ticks();
  await clock.sleep(ms(5_000), order);
  const share = (ticks() - before) / 5;
  const anonymous = Number(/RssAnon:\s+(\d+)/.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1]) / 1024;
  console.log(
    `guard while armed: ${share.toFixed(1)} % of a core, ${anonymous.toFixed(1)} MiB of its own memory (from sources)`,
  );
  expect(share).toBeLessThan(2);
  expect(readFileSync(`/proc/${pid}/oom_score_adj`, 'utf8').trim()).toBe((await mayProtect()) ? '-1000' : '0');
  expect(readFileSync(`/proc/${pid}/stat`, 'utf8').split(' ')[5]).toBe(String(pid));
});
