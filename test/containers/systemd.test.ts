import { execFile } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, onTestFailed, test } from 'vitest';
import { stringify } from 'yaml';
import { borrowEngine, buildImages, type Engine, type Images } from '../../chaos/lab/containers/engine.ts';
import { waitFor } from '../../chaos/lab/wait.ts';
import { whyNoContainers } from './hosts.ts';

/** The unit of deploy/ under a real systemd, in a container. */

const path = (name: string): string => fileURLToPath(new URL(name, import.meta.url));
const UNIT = '/etc/systemd/system/haagent.service';
/** Containers of a run that was killed are known by it. */
const LABEL = 'org.haagent.systemd-test';
const PROXIES = ['http_proxy', 'https_proxy', 'no_proxy'];
const DEADLINE_MS = 60_000;

interface Ended {
  readonly code: number;
  readonly out: string;
}

const run = (file: string, args: readonly string[], env: NodeJS.ProcessEnv, timeout: number): Promise<Ended> =>
  new Promise((resolve) => {
    execFile(file, args, { env, timeout, killSignal: 'SIGKILL' }, (error, stdout, stderr) => {
      const code = error === null ? 0 : typeof error.code === 'number' ? error.code : -1;
      resolve({ code, out: `${stdout}${stderr}`.trim() });
    });
  });

const configuration = (images: Images): string =>
  stringify({
    cluster: { name: 'demo' },
    member: { name: 'pg1' },
    etcd: { endpoints: ['http://127.0.0.1:2379'] },
    api: { listen: '127.0.0.1:8010', advertise: '127.0.0.1:8010' },
    postgresql: {
      data_dir: '/var/lib/postgresql/data',
      bin_dir: images.binDir,
      listen: '127.0.0.1',
      authentication: {
        superuser: { username: 'postgres', password: 'one' },
        replication: { username: 'replicator', password: 'two' },
      },
    },
  });

describe.skipIf(whyNoContainers() !== undefined)('the unit for systemd', () => {
  const name = `haagent-systemd-${process.pid}`;
  let engine: Engine;
  let folder: string;

  const docker = (args: readonly string[], timeout = DEADLINE_MS): Promise<Ended> =>
    run('docker', args, { ...process.env, DOCKER_BUILDKIT: '0', DOCKER_HOST: `unix://${engine.socket}` }, timeout);
  const done = async (args: readonly string[], timeout?: number): Promise<string> => {
    const { code, out } = await docker(args, timeout);
    if (code !== 0) throw new Error(`docker ${args.join(' ')} ended with ${code}:\n${out}`);
    return out;
  };
  const inside = (command: string): Promise<Ended> => docker(['exec', name, 'sh', '-c', command]);
  const said = async (command: string): Promise<string> => (await inside(command)).out;
  const property = (which: string): Promise<string> => said(`systemctl show haagent --value --property ${which}`);
  const until = (what: string, command: string, is: (out: string) => boolean): Promise<boolean> =>
    waitFor(what, async () => is(await said(command)), {
      deadlineMs: DEADLINE_MS,
      everyMs: 200,
      describe: () => said('systemctl status haagent; journalctl --no-pager -u haagent | tail -n 30'),
    });
  const ASK = `node -e "fetch('http://127.0.0.1:8010/primary').then((r) => console.log(r.status), () => console.log('none'))"`;
  const isPrimary = (): Promise<boolean> => until('its database is primary', ASK, (out) => out === '200');
  const postmaster = (): Promise<string> => said('head -n 1 /var/lib/postgresql/data/postmaster.pid');
  const guard = (): Promise<string> => said('cut -d" " -f1 /run/haagent/guard.sock.pid');
  const showJournal = (): void => {
    onTestFailed(async () => console.log(await said('journalctl --no-pager -u haagent | tail -n 60')));
  };

  beforeAll(async () => {
    engine = await borrowEngine();
    const images = await buildImages(engine);
    const image = images.agent.replace(/^haagent:/, 'haagent-systemd:');
    const proxies = PROXIES.flatMap((each) =>
      process.env[each] ? ['--build-arg', `${each}=${process.env[each]}`] : [],
    );
    const build = ['build', '--network', 'host', '--label', 'org.haagent.lab=image', '--tag', image];
    await done([...build, ...proxies, '--build-arg', `AGENT=${images.agent}`, path('systemd')], 600_000);
    folder = mkdtempSync(join(tmpdir(), 'haagent-systemd-'));
    const config = join(folder, 'haagent.yml');
    writeFileSync(config, configuration(images));
    for (const stale of (await done(['ps', '--all', '--quiet', '--filter', `label=${LABEL}`]))
      .split('\n')
      .filter(Boolean))
      await done(['rm', '--force', stale]);
    const rights = ['SYS_ADMIN', 'NET_ADMIN'].flatMap((right) => ['--cap-add', right]);
    const memory = ['/run', '/run/lock', '/tmp'].flatMap((each) => ['--tmpfs', each]);
    const open = ['--security-opt', 'seccomp=unconfined', '--security-opt', 'apparmor=unconfined'];
    const host = ['run', '--detach', '--name', name, '--label', LABEL, '--network', 'none', '--cgroupns', 'private'];
    await done([...host, '--env', 'container=docker', ...rights, ...open, ...memory, image]);
    await done(['cp', path('../../deploy/haagent.service'), `${name}:${UNIT}`]);
    await done(['cp', config, `${name}:/etc/haagent/haagent.yml`]);
    await until('systemd has started the host', 'systemctl is-system-running', (out) => /running|degraded/.test(out));
    await done([
      'exec',
      name,
      'sh',
      '-c',
      'chown postgres /etc/haagent/haagent.yml; chmod 600 /etc/haagent/haagent.yml; systemctl disable --now postgresql; systemctl daemon-reload; systemctl start etcd',
    ]);
  });
  afterAll(async () => {
    await docker(['rm', '--force', name]);
    rmSync(folder, { recursive: true, force: true });
    engine.release();
  });

  test('is understood to its last line', async () => {
    expect(await inside(`systemd-analyze verify ${UNIT}`)).toEqual({ code: 0, out: '' });
  });

  test('is started when the agent says so: its API answers', async () => {
    showJournal();
    expect(await inside('systemctl start haagent')).toEqual({ code: 0, out: '' });
    expect(await said(ASK)).not.toBe('none');
    expect(await property('ActiveState')).toBe('active');
    expect(await property('Type')).toBe('notify');
    await isPrimary();
  });

  test('a restart, as an upgrade does it, leaves database and guard alone', async () => {
    showJournal();
    const before = [await postmaster(), await guard()];
    const agent = await property('MainPID');
    expect(await inside('systemctl restart haagent')).toEqual({ code: 0, out: '' });
    await isPrimary();
    expect(await property('MainPID')).not.toBe(agent);
    expect([await postmaster(), await guard()]).toEqual(before);
  });

  test('an agent that was killed is there again, and its database never noticed', async () => {
    showJournal();
    const before = await postmaster();
    const agent = await property('MainPID');
    await inside(`kill -KILL ${agent}`);
    await until(
      'another agent runs',
      'systemctl show haagent --value --property MainPID',
      (out) => ![agent, '0'].includes(out),
    );
    await isPrimary();
    expect(await postmaster()).toBe(before);
  });

  test('an agent that hangs is ended by the watchdog of systemd and started again', async () => {
    showJournal();
    await inside('systemctl edit --runtime --stdin haagent <<END\n[Service]\nWatchdogSec=3s\nEND');
    expect(await inside('systemctl restart haagent')).toMatchObject({ code: 0 });
    await isPrimary();
    const [before, agent] = [await postmaster(), await property('MainPID')];
    await inside(`kill -STOP ${agent}`);
    await until(
      'another agent runs',
      'systemctl show haagent --value --property MainPID',
      (out) => ![agent, '0'].includes(out),
    );
    expect(await said('journalctl --no-pager -u haagent')).toMatch(/Watchdog timeout/);
    await isPrimary();
    expect(await postmaster()).toBe(before);
  });

  test('a stop leaves the database to the guard, which ends it when the right ends', async () => {
    showJournal();
    const before = await postmaster();
    expect(await inside('systemctl stop haagent')).toMatchObject({ code: 0 });
    expect((await inside(`kill -0 ${before}`)).code).toBe(0);
    await until('the database is gone', `kill -0 ${before} 2>&1 || echo gone`, (out) => out.endsWith('gone'));
    expect(await said('tail -n 5 /var/lib/haagent/guard.log')).toContain('guard.fenced');
  });

  test('a configuration that cannot be used is not tried again', async () => {
    showJournal();
    await inside('echo "nonsense: true" >> /etc/haagent/haagent.yml');
    expect((await inside('systemctl start haagent')).code).not.toBe(0);
    expect(await property('ExecMainStatus')).toBe('78');
    expect(await property('ActiveState')).toBe('failed');
  });
});
