import { execFile, spawn } from 'node:child_process';
import { randomInt } from 'node:crypto';
import { mkdirSync, readlinkSync } from 'node:fs';
import { networkInterfaces } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { LAB_MARK } from './proc.ts';
import { waitFor } from './wait.ts';

/**
 * A network of hosts inside this machine: each host is a network namespace with one address, all are plugged into one
 * switch, which can lose what one host sends to another. This process is plugged in too.
 *
 * Every namespace is held by a process of the lab; when the last process in it ends, the kernel removes it with its
 * interfaces. So whoever ends the lab's processes leaves nothing behind.
 */
export interface Network {
  /** All addresses of the network, as `address/bits`. */
  readonly range: string;
  /** The address of this process, and of what it starts outside of the hosts. */
  readonly own: string;
  /** Plugs in another host and returns its address. */
  addHost(name: string): Promise<string>;
  /** The command that runs another command on a host. */
  enter(host: string): readonly string[];
  /** See `Lab.cut`. */
  cut(from: readonly string[], to: readonly string[]): Promise<void>;
  heal(): Promise<void>;
}

const DEADLINE_MS = 10_000;
const run = promisify(execFile);

/** Whether namespaces can be made here, and packets dropped; else why not. */
export const whyNoNetwork = async (): Promise<string | undefined> => {
  if (process.getuid?.() !== 0) return 'hosts with a network of their own need root';
  try {
    const options = { timeout: DEADLINE_MS };
    await run('unshare', ['--net', '--', 'sh', '-c', 'ip link add try type bridge && nft add table bridge t'], options);
    return undefined;
  } catch (error) {
    return `hosts with a network of their own need ip, nft and namespaces: ${String(error)}`;
  }
};

const namespaceOf = (pid: number | 'self'): string => {
  try {
    return readlinkSync(`/proc/${pid}/ns/net`);
  } catch {
    return '';
  }
};

/** A process that does nothing but keep a namespace of its own. Returns its pid. */
const holdNamespace = async (dir: string, labDir: string): Promise<number> => {
  const holder = spawn('unshare', ['--net', '--', 'sleep', 'infinity'], {
    cwd: dir,
    env: { ...process.env, [LAB_MARK]: labDir },
    stdio: 'ignore',
    detached: true,
  });
  holder.unref();
  const { pid } = holder;
  if (pid === undefined) throw new Error('unshare (util-linux) could not be started');
  const own = namespaceOf('self');
  await waitFor('a network namespace is there', () => !['', own].includes(namespaceOf(pid)), {
    deadlineMs: DEADLINE_MS,
    everyMs: 5,
  });
  return pid;
};

/** A range of 254 addresses that no interface of this machine is in. */
const freeRange = (): string => {
  const used = new Set(
    Object.values(networkInterfaces()).flatMap((found) => (found ?? []).map(({ address }) => address)),
  );
  for (;;) {
    const prefix = `10.${randomInt(200, 255)}.${randomInt(0, 255)}`;
    if (![...used].some((address) => address.startsWith(`${prefix}.`))) return prefix;
  }
};

const RULES = `
  add table bridge cuts
  add set bridge cuts lost { type ipv4_addr . ipv4_addr; }
  add chain bridge cuts forward { type filter hook forward priority 0; policy accept; }
  add rule bridge cuts forward ether type ip ip saddr . ip daddr @lost drop`;

/** Makes the switch and plugs this process in. */
export const createNetwork = async (labDir: string): Promise<Network> => {
  const dir = join(labDir, 'network');
  mkdirSync(dir);
  const prefix = freeRange();
  const own = `${prefix}.1`;
  const hub = await holdNamespace(dir, labDir);
  const holders = new Map<string, { readonly pid: number; readonly address: string }>();
  const within = (pid: number, ...command: readonly string[]) =>
    run('nsenter', [`--net=/proc/${pid}/ns/net`, '--', ...command], { timeout: DEADLINE_MS });
  const nft = (rules: string) => within(hub, 'nft', rules);

  await within(hub, 'ip', 'link', 'add', 'hub', 'up', 'type', 'bridge');
  const uplink = `lab${prefix.slice(3).replace('.', '-')}`;
  await run('ip', ['link', 'add', uplink, 'type', 'veth', 'peer', 'name', 'uplink', 'netns', String(hub)]);
  await within(hub, 'ip', 'link', 'set', 'uplink', 'master', 'hub', 'up');
  await run('ip', ['address', 'add', `${own}/24`, 'dev', uplink]);
  await run('ip', ['link', 'set', uplink, 'up']);
  await nft(RULES);

  const holderOf = (host: string): { readonly pid: number; readonly address: string } => {
    const found = holders.get(host);
    if (found === undefined)
      throw new Error(`the lab's network has no host "${host}", only ${[...holders.keys()].join(', ')} and clients`);
    return found;
  };
  const addressOf = (host: string): string => (host === 'clients' ? own : holderOf(host).address);

  return {
    range: `${prefix}.0/24`,
    own,
    addHost: async (name) => {
      const number = holders.size + 11;
      const address = `${prefix}.${number}`;
      const pid = await holdNamespace(dir, labDir);
      holders.set(name, { pid, address });
      const port = `port${number}`;
      await within(hub, 'ip', 'link', 'add', port, 'type', 'veth', 'peer', 'name', 'eth0', 'netns', String(pid));
      await within(hub, 'ip', 'link', 'set', port, 'master', 'hub', 'up');
      await within(pid, 'ip', 'link', 'set', 'lo', 'up');
      await within(pid, 'ip', 'address', 'add', `${address}/24`, 'dev', 'eth0');
      await within(pid, 'ip', 'link', 'set', 'eth0', 'up');
      return address;
    },
    enter: (host) => ['nsenter', `--net=/proc/${holderOf(host).pid}/ns/net`, '--'],
    cut: async (from, to) => {
      const pairs = from.flatMap((sender) =>
        to.filter((receiver) => receiver !== sender).map((receiver) => `${addressOf(sender)} . ${addressOf(receiver)}`),
      );
      if (pairs.length > 0) await nft(`add element bridge cuts lost { ${pairs.join(', ')} }`);
    },
    heal: async () => {
      await nft('flush set bridge cuts lost');
    },
  };
};
