import { chmodSync, existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { createClock } from '../../../src/adapters/os/clock.ts';
import { createProcesses } from '../../../src/adapters/os/processes.ts';
import { createNotifier, type Notifier } from '../../../src/bin/notify.ts';

const clock = createClock();
const processes = createProcesses({ clock });

let folder: string;
let end = (): void => undefined;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'haagent-notify-'));
  const program = join(folder, 'systemd-notify');
  writeFileSync(program, `#!/bin/sh\necho "$NOTIFY_SOCKET $*" >> ${folder}/said\n`);
  chmodSync(program, 0o755);
});
afterEach(() => {
  end();
  rmSync(folder, { recursive: true, force: true });
});

/** Under a systemd whose program notes what it is given. */
const under = (env: Readonly<Record<string, string>>): Notifier =>
  createNotifier({ processes, clock, env: { PATH: `${folder}:/usr/bin:/bin`, ...env }, pid: 42 });
const said = (): readonly string[] =>
  existsSync(join(folder, 'said')) ? readFileSync(join(folder, 'said'), 'utf8').trim().split('\n') : [];

test('says once that it is ready, to the socket that it was given', async () => {
  await under({ NOTIFY_SOCKET: '/run/notify' }).ready();
  expect(said()).toEqual(['/run/notify READY=1']);
});

test('says nothing where nobody listens', async () => {
  const notifier = under({ WATCHDOG_USEC: '30000' });
  await notifier.ready();
  end = notifier.watch(() => true);
  await new Promise((resolve) => setTimeout(resolve, 100));
  expect(said()).toEqual([]);
});

test('pings the watchdog as long as the agent works, and no longer', async () => {
  let works = true;
  end = under({ NOTIFY_SOCKET: '/run/notify', WATCHDOG_USEC: '60000', WATCHDOG_PID: '42' }).watch(() => works);
  await vi.waitFor(() => expect(said().length).toBeGreaterThan(2), 5_000);
  expect(new Set(said())).toEqual(new Set(['/run/notify WATCHDOG=1']));
  works = false;
  await new Promise((resolve) => setTimeout(resolve, 100));
  const before = said().length;
  await new Promise((resolve) => setTimeout(resolve, 150));
  expect(said().length).toBe(before);
});

test('leaves a watchdog alone that means another process', async () => {
  end = under({ NOTIFY_SOCKET: '/run/notify', WATCHDOG_USEC: '30000', WATCHDOG_PID: '41' }).watch(() => true);
  await new Promise((resolve) => setTimeout(resolve, 100));
  expect(said()).toEqual([]);
});
