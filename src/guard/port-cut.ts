import { createHash } from 'node:crypto';
import { isIP } from 'node:net';
import { ms } from '../core/brand.ts';
import type { AsideResult } from '../adapters/os/aside.ts';

/** Where the database's clients come in. */
export interface Port {
  readonly port: number;
  /** The addresses that it listens on; empty: all of the host. */
  readonly addresses: readonly string[];
}

export type CutOutcome =
  /** `problem`: what of it could not be done, and what that means. */
  | { readonly cut: true; readonly how: string; readonly problem?: string }
  | { readonly cut: false; readonly why: string };

/**
 * Keeps clients away from a database that cannot be killed: nothing they send gets in, nothing it answers gets out (02: The guard
 * and the fence). Local clients of its unix socket are not kept away.
 */
export interface PortCut {
  /** Can be repeated. */
  cut(): Promise<CutOutcome>;
  /** Takes the rules away; returns why that failed. Nothing to do where there are none. */
  restore(): Promise<string | undefined>;
  /** Rules that an earlier guard left. */
  isCut(): Promise<boolean>;
}

export type RunAside = (command: {
  readonly file: string;
  readonly args: readonly string[];
  readonly input?: string;
}) => Promise<AsideResult>;

/** The most that one of the programs may take. */
export const CUT_TIMEOUT = ms(1_000);

/** The name of the table with the rules of one database: no other guard on the host has it. */
export const tableOf = (dataDir: string): string =>
  `haagent_${createHash('sha256').update(dataDir).digest('hex').slice(0, 12)}`;

/** Listening on a name or on everything means: whatever the address. */
export const portOf = (port: number, listen: string): Port => {
  const addresses = listen.split(',').map((each) => each.trim());
  const any = addresses.some((address) => isIP(address) === 0 || address === '0.0.0.0' || address === '::');
  return { port, addresses: any ? [] : addresses };
};

const matches = ({ port, addresses }: Port, side: 'dport' | 'sport'): readonly string[] => {
  const where = side === 'dport' ? 'daddr' : 'saddr';
  if (addresses.length === 0) return [`tcp ${side} ${port}`];
  return addresses.map((address) => `${isIP(address) === 6 ? 'ip6' : 'ip'} ${where} ${address} tcp ${side} ${port}`);
};

/** What comes is refused at once, so that clients look elsewhere; what goes is lost, but for these refusals. */
export const rulesOf = (table: string, port: Port, refuse: 'reject with tcp reset' | 'drop'): string => `
table inet ${table}
delete table inet ${table}
table inet ${table} {
  chain in {
    type filter hook input priority -300; policy accept;
    ${matches(port, 'dport')
      .map((match) => `${match} ${refuse}`)
      .join('\n    ')}
  }
  chain out {
    type filter hook output priority -300; policy accept;
    ${matches(port, 'sport')
      .map((match) => `${match} tcp flags & rst == 0 drop`)
      .join('\n    ')}
  }
}
`;

const socketsOf = ({ port, addresses }: Port): string =>
  addresses.length === 0
    ? `sport = :${port}`
    : addresses.map((address) => `src = ${isIP(address) === 6 ? `[${address}]` : address}:${port}`).join(' or ');

/** With nftables, and the connections that are there ended by ss; each alone does what it can. */
export const createPortCut = (port: Port, dataDir: string, run: RunAside): PortCut => {
  const table = tableOf(dataDir);
  const nft = (input: string): Promise<AsideResult> => run({ file: 'nft', args: ['-f', '-'], input });
  /** ss says nothing of what it may not end, so it is asked what is left. */
  const endConnections = async (): Promise<{ readonly done: boolean; readonly said: string }> => {
    const sockets = ['-H', '-t', '-a', '-n', socketsOf(port)];
    const killed = await run({ file: 'ss', args: ['-K', ...sockets] });
    if (!killed.done) return killed;
    const left = await run({ file: 'ss', args: sockets });
    const open = left.output.split('\n').filter((line) => line !== '' && !line.startsWith('TIME-WAIT'));
    if (left.done && open.length === 0) return left;
    return { done: false, said: `${open.length} sockets are left ${left.said}`.trim() };
  };
  return {
    cut: async () => {
      const refused = await nft(rulesOf(table, port, 'reject with tcp reset'));
      const ruled = refused.done ? refused : await nft(rulesOf(table, port, 'drop'));
      const ended = await endConnections();
      const undo = `nftables, table inet ${table} (nft delete table inet ${table})`;
      if (ruled.done) return { cut: true, how: ended.done ? `${undo}; ss ended the connections` : undo };
      const lack = `nft: ${ruled.said}; install nftables and give the guard CAP_NET_ADMIN`;
      if (!ended.done) return { cut: false, why: `${lack}. ss: ${ended.said}` };
      return { cut: true, how: 'ss ended the connections', problem: `new connections are not kept away (${lack})` };
    },
    restore: async () => {
      const removed = await nft(`table inet ${table}\ndelete table inet ${table}\n`);
      return removed.done ? undefined : removed.said;
    },
    isCut: async () => (await run({ file: 'nft', args: ['list', 'table', 'inet', table] })).done,
  };
};
