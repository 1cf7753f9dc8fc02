import type { LookupAddress } from 'node:dns';
import { lookup } from 'node:dns/promises';
import { isIP } from 'node:net';
import { ms } from '../../core/brand.ts';
import type { Clock } from '../../ports/clock.ts';
import type { Step } from '../../ports/database.ts';
import { withDeadline } from '../os/abort.ts';
import type { Credentials } from './options.ts';
import { quoteAccess } from './quoting.ts';

/** Ordinary users with their passwords, from everywhere. Used where the operator says nothing. */
const DEFAULT_ACCESS: readonly string[] = [
  'local all all scram-sha-256',
  'host all all 0.0.0.0/0 scram-sha-256',
  'host all all ::/0 scram-sha-256',
];

const KNOWN = /^(local|host|hostssl|hostnossl|hostgssenc|hostnogssenc)\s+\S/;

/** Why a line is not taken as an access rule; `undefined` when it is. Includes would read other files. */
export const accessRuleFault = (line: string): string | undefined => {
  // oxlint-disable-next-line no-control-regex
  if (/[\0\r\n]/.test(line) || line.length > 1000) return 'an access rule is one line of at most 1000 characters';
  if (line.includes('@')) return `'${line}': names from other files (@) are not taken`;
  return KNOWN.test(line.trim()) ? undefined : `'${line}' does not begin with local, host, hostssl or the like`;
};

/** Addresses of the members in the notation of access rules. A name stands for itself and for what it resolves to now. */
export const memberAddresses = async (
  clock: Clock,
  hosts: readonly string[],
  step: Step,
): Promise<readonly string[]> => {
  const limit = ms(Math.min(LOOKUP_TIMEOUT, step.timeout / 2));
  const resolve = (host: string): Promise<readonly LookupAddress[]> =>
    withDeadline(clock, limit, step.signal, `resolving ${host}`, () => lookup(host, { all: true })).catch(() => []);
  const found = await Promise.all(
    hosts.map(async (host) => {
      if (isIP(host) !== 0) return [exactly(host)];
      const resolved = await resolve(host);
      return [...resolved.map(({ address }) => exactly(address)), ...(HOST_NAME.test(host) ? [host] : [])];
    }),
  );
  return [...new Set(found.flat())].toSorted();
};

const LOOKUP_TIMEOUT = 1_000;
const HOST_NAME = /^[a-z0-9]([a-z0-9.-]{0,251}[a-z0-9])?$/i;
const exactly = (address: string): string => {
  const bare = address.replace(/%.*$/, '');
  return isIP(bare) === 6 ? `${bare}/128` : `${bare}/32`;
};

/**
 * The whole access file. The first matching line counts, so the agent's own accounts come first: over the socket for the
 * agent, from the members' addresses for replication and rewind, and from nowhere else.
 * @param copiesSlots replicas ask the primary for its logical slots, over ordinary connections of the replication account
 */
export const accessFile = (
  credentials: Credentials,
  addresses: readonly string[],
  rules: readonly string[],
  copiesSlots = false,
): string => {
  const { superuser, agent, replication, rewind } = credentials;
  const lines = [
    `local all ${quoteAccess(superuser.username)} scram-sha-256`,
    `local all,replication ${quoteAccess(agent.username)} scram-sha-256`,
    ...addresses.flatMap((address) => [
      `host replication ${quoteAccess(replication.username)} ${address} scram-sha-256`,
      `host postgres ${quoteAccess(rewind.username)} ${address} scram-sha-256`,
      ...(copiesSlots ? [`host postgres ${quoteAccess(replication.username)} ${address} scram-sha-256`] : []),
    ]),
    ...[agent, replication, rewind]
      .filter(({ username }) => username !== superuser.username)
      .flatMap(({ username }) => [
        `local all,replication ${quoteAccess(username)} reject`,
        `host all,replication ${quoteAccess(username)} all reject`,
      ]),
    ...(rules.length === 0 ? DEFAULT_ACCESS : rules),
  ];
  return `# Written by haagent from its configuration; changes made here are lost.\n${lines.join('\n')}\n`;
};
