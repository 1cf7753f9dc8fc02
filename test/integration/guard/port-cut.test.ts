import { execFileSync, spawnSync } from 'node:child_process';
import { mkdirSync, readFileSync, existsSync, readlinkSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { tableOf } from '../../../src/guard/port-cut.ts';
import { createLab, processes, type Lab } from './lab.ts';

/**
 * A database whose disk hangs: its process waits in state D and cannot be killed, and its port still takes connections. All
 * of it on a network of its own.
 */

const root = process.getuid?.() === 0;
const AGENT = fileURLToPath(new URL('agent.ts', import.meta.url));
const PORT = 54_321;
/** Listens, and writes until the disk hangs. */
const SERVER = `require('net').createServer(() => {}).listen(${PORT});
setInterval(() => require('fs').appendFileSync('writes', 'x'), 20);`;

let lab: Lab;
let enter: readonly string[];
let mount: string;
const frozen = new Set<string>();

const thaw = (): void => {
  for (const each of frozen) execFileSync('fsfreeze', ['--unfreeze', each]);
  frozen.clear();
};
const inside = (command: string): { readonly code: number | null; readonly out: string } => {
  const [file = '', ...args] = enter;
  const { status, stdout } = spawnSync(file, [...args, 'timeout', '2', 'bash', '-c', command], { encoding: 'utf8' });
  return { code: status, out: stdout };
};
const canConnect = (): boolean => inside(`exec 3<>/dev/tcp/127.0.0.1/${PORT}`).code === 0;

beforeEach(async () => {
  if (!root) return;
  lab = await createLab({ fenceBudget: 1_000 });
  const holder = await lab.launch('unshare', ['--net', 'sh', '-c', 'ip link set lo up && exec sleep 1009']);
  const own = readlinkSync('/proc/self/ns/net');
  await vi.waitFor(() => expect(readlinkSync(`/proc/${holder.pid}/ns/net`)).not.toBe(own), 5_000);
  enter = ['nsenter', `--net=/proc/${holder.pid}/ns/net`];
  await vi.waitFor(() => expect(inside('ip -o link show lo up').out).toContain('LOOPBACK'), 5_000);
  const disk = join(lab.folder, 'disk');
  mount = join(lab.folder, 'mounted');
  mkdirSync(mount);
  execFileSync('/bin/sh', ['-c', `truncate -s 16M ${disk} && mkfs.ext4 -q ${disk} && mount -o loop ${disk} ${mount}`]);
});
afterEach(async () => {
  if (!root) return;
  thaw();
  await vi.waitFor(
    () => {
      for (const each of processes.within(join(mount, 'data'))) lab.kill(each);
      execFileSync('umount', [mount]);
    },
    { timeout: 10_000, interval: 50 },
  );
  await lab.close();
});

/** The database with its disk hanging, and a guard whose agent is gone; `as`: what the agent is started with. */
const hang = async (as: readonly string[]) => {
  const dataDir = join(mount, 'data');
  const target = { dataDir, replicaMark: join(dataDir, 'mark'), port: PORT, listen: '*' };
  mkdirSync(dataDir);
  const [file = '', ...args] = enter;
  await lab.launch(file, [...args, process.execPath, '-e', SERVER], dataDir);
  await vi.waitFor(() => expect(existsSync(join(dataDir, 'writes')) && canConnect()).toBe(true), 10_000);
  const place = JSON.stringify({ ...lab.place, target });
  const agent = await lab.launch(file, [...args, ...as, process.execPath, AGENT, place, '5', '3000']);
  await vi.waitFor(() => expect(readFileSync(lab.place.stateFile, 'utf8')).toContain('"armed"'), 10_000);
  execFileSync('fsfreeze', ['--freeze', mount]);
  frozen.add(mount);
  await vi.waitFor(() => expect(processes.within(dataDir).map(({ state }) => state)).toContain('D'), 5_000);
  expect(canConnect()).toBe(true);
  lab.kill(agent);
  const client = lab.visitor(target);
  return { dataDir, client };
};

test.runIf(root)('clients are kept away from a database that cannot be killed, until it is gone', async () => {
  const { dataDir, client } = await hang([]);
  await vi.waitFor(() => expect(client.state().cut).toContain(`nft delete table inet ${tableOf(dataDir)}`), 15_000);
  expect(canConnect()).toBe(false);
  expect(inside('nft list tables').out).toContain(tableOf(dataDir));
  expect(execFileSync('nft', ['list', 'tables'], { encoding: 'utf8' })).not.toContain(tableOf(dataDir));
  expect(lab.log()).toContain('guard.port_cut');
  thaw();
  await vi.waitFor(() => expect(client.events).toContainEqual(expect.objectContaining({ kind: 'fenced' })), 10_000);
  await vi.waitFor(() => expect(client.state().cut).toBeUndefined(), 10_000);
  expect(inside('nft list tables').out).toBe('');
  expect(lab.log()).toContain('guard.port_restored');
});

test.runIf(root)('a guard finds the rules of an earlier one, and takes them away when nothing needs them', async () => {
  const { dataDir, client } = await hang([]);
  await vi.waitFor(() => expect(client.state().cut).toBeDefined(), 15_000);
  lab.kill(lab.guard());
  thaw();
  await vi.waitFor(() => expect(processes.within(dataDir)).toEqual([]), 10_000);
  expect(inside('nft list tables').out).toContain(tableOf(dataDir));
  const target = { dataDir, replicaMark: join(dataDir, 'mark'), port: PORT, listen: '*' };
  const [file = '', ...args] = enter;
  await lab.launch(file, [...args, process.execPath, AGENT, JSON.stringify({ ...lab.place, target }), '6', '3000']);
  await vi.waitFor(() => expect(inside('nft list tables').out).toBe(''), 15_000);
  expect(lab.log()).toContain('guard.port_found_cut');
});

test.runIf(root)('without the right to do it the guard says what is missing, and goes on trying to kill', async () => {
  const { dataDir, client } = await hang(['setpriv', '--bounding-set=-net_admin', '--inh-caps=-net_admin']);
  await vi.waitFor(() => expect(lab.log()).toMatch(/guard.port_not_cut.*CAP_NET_ADMIN/), 15_000);
  expect(client.state().cut).toBeUndefined();
  expect(canConnect()).toBe(true);
  thaw();
  await vi.waitFor(() => expect(processes.within(dataDir)).toEqual([]), 10_000);
  await vi.waitFor(() => expect(client.events).toContainEqual(expect.objectContaining({ kind: 'fenced' })), 10_000);
});
