import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { createClock } from '../../../src/adapters/os/clock.ts';
import { createProcesses } from '../../../src/adapters/os/processes.ts';
import { createHooks, type HookOptions, type Hooks } from '../../../src/agent/hooks.ts';
import { ms } from '../../../src/core/brand.ts';
import type { Log } from '../../../src/ports/log.ts';

const clock = createClock();
const processes = createProcesses({ clock });
const { signal } = new AbortController();

let folder: string;
let said: string[];
let hooks: Hooks | undefined;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'haagent-hooks-'));
  said = [];
});
afterEach(async () => {
  await hooks?.close(ms(0));
  rmSync(folder, { recursive: true, force: true });
});

const note =
  (level: string): Log['info'] =>
  (event, message) =>
    void said.push(`${level} ${event} ${message}`);
const log: Log = {
  debug: note('debug'),
  info: note('info'),
  warn: note('warn'),
  error: note('error'),
  child: () => log,
};

/** Hooks whose programs are scripts that run in the test's folder. */
const withHooks = (
  scripts: Readonly<Partial<Record<keyof HookOptions['commands'], string>>>,
  timeout = 5_000,
): Hooks => {
  const commands = Object.fromEntries(
    Object.entries(scripts).map(([name, script]) => [name, ['/bin/sh', '-c', `cd ${folder}; ${script}`]]),
  );
  const environment = { HAAGENT_CLUSTER: 'demo', HAAGENT_MEMBER: 'a' };
  hooks = createHooks({ options: { commands, timeout: ms(timeout), environment }, processes, clock, log });
  return hooks;
};
const written = (file: string): string =>
  existsSync(join(folder, file)) ? readFileSync(join(folder, file), 'utf8') : '';

test('hooks that are told run one after another, in order, whatever kind they are', async () => {
  const script = 'echo "begin $HAAGENT_HOOK" >> seen; sleep 0.1; echo "end $HAAGENT_HOOK" >> seen';
  const { tell, close } = withHooks({ on_start: script, on_stop: script, on_role_change: script });
  tell('on_role_change', {});
  tell('on_stop', {});
  tell('on_start', {});
  await close(ms(5_000));
  expect(written('seen').trim().split('\n')).toEqual([
    'begin on_role_change',
    'end on_role_change',
    'begin on_stop',
    'end on_stop',
    'begin on_start',
    'end on_start',
  ]);
});

test('a hook that hangs is killed at its deadline with all that it started, and the next one runs', async () => {
  const { tell, close } = withHooks(
    { on_stop: 'echo $$ > pid; sleep 1003; echo never >> seen', on_start: 'echo next >> seen' },
    300,
  );
  tell('on_stop', {});
  tell('on_start', {});
  await close(ms(5_000));
  expect(written('seen')).toBe('next\n');
  expect(processes.find(Number(written('pid')))).toBeUndefined();
  expect(said).toContainEqual(
    expect.stringMatching(/^warn hook.failed hook on_stop .* did not end in time and was killed/),
  );
});

test('a hook learns what happened from its environment alone, never as part of a command', async () => {
  const { tell, close } = withHooks({
    on_role_change: 'env | grep ^HAAGENT_ | sort > seen; echo "$HAAGENT_ROLE" >> seen',
  });
  tell('on_role_change', { HAAGENT_ROLE: '$(touch hacked); `touch hacked`' });
  await close(ms(5_000));
  expect(written('seen')).toContain('HAAGENT_CLUSTER=demo\nHAAGENT_HOOK=on_role_change\nHAAGENT_MEMBER=a\n');
  expect(written('seen')).toContain('\n$(touch hacked); `touch hacked`\n');
  expect(existsSync(join(folder, 'hacked'))).toBe(false);
});

test('pre_promote vetoes by any exit code but 0, with its words; by not ending; and by not being there', async () => {
  const { ask } = withHooks({ pre_promote: 'echo "not while $HAAGENT_TERM" >&2; exit 3' }, 300);
  expect(await ask('pre_promote', { HAAGENT_TERM: '7' }, signal)).toEqual({
    kind: 'refused',
    why: 'hook pre_promote ended with 3: not while 7',
  });
  expect(await withHooks({ pre_promote: 'sleep 1003' }, 200).ask('pre_promote', {}, signal)).toMatchObject({
    why: 'hook pre_promote did not end in time and was killed',
  });
  const options = { commands: { pre_promote: ['/nonexistent/veto'] }, timeout: ms(200), environment: {} };
  const missing = createHooks({ options, processes, clock, log });
  expect(await missing.ask('pre_promote', {}, signal)).toMatchObject({
    why: expect.stringContaining('could not be started'),
  });
});

test('a promotion goes on where pre_promote agrees, or where there is none', async () => {
  expect(await withHooks({ pre_promote: 'true' }).ask('pre_promote', {}, signal)).toEqual({ kind: 'agreed' });
  expect(await withHooks({}).ask('pre_promote', {}, signal)).toEqual({ kind: 'agreed' });
});

test('a lost leadership ends the question, which is then no agreement', async () => {
  const lost = new AbortController();
  const asking = withHooks({ pre_promote: 'echo > asked; sleep 1003' }).ask('pre_promote', {}, lost.signal);
  await vi.waitFor(() => expect(existsSync(join(folder, 'asked'))).toBe(true), 5_000);
  lost.abort(new Error('the term is over'));
  expect(await asking).toMatchObject({ kind: 'refused' });
});

test('an end that cannot wait kills what runs; what is told afterwards is not begun', async () => {
  const { tell, close } = withHooks({ on_start: 'echo > begun; sleep 1003', on_stop: 'echo > late' });
  tell('on_start', {});
  await vi.waitFor(() => expect(existsSync(join(folder, 'begun'))).toBe(true), 5_000);
  const ended = close(ms(0));
  tell('on_stop', {});
  await ended;
  expect(existsSync(join(folder, 'late'))).toBe(false);
});
