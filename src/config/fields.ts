import { isIP } from 'node:net';
import { z } from 'zod';
import type { Ms } from '../core/brand.ts';
import { parseMemberName, type MemberName } from '../core/brand.ts';
import { secret, type Secret } from './secret.ts';
import { formatDuration, formatSize, parseDuration, parseSize } from './units.ts';

/** The kinds of settings. Each says in words what would be right; the reference page prints those same words. */

/** What a schema's `meta` holds for the reference page. */
export interface FieldMeta {
  readonly description?: string;
  /** The kind of value, in words. */
  readonly kind?: string;
  /** The default, where it is not the schema's own. */
  readonly shown?: string;
  readonly [key: string]: unknown;
}

/** A value that `parse` makes, or a fault that names `wanted`. */
const converted = <T>(kind: string, wanted: string, parse: (raw: unknown) => T | undefined): z.ZodType<T> =>
  z
    .unknown()
    .meta({ kind })
    .transform((raw, context): T => {
      const value = parse(raw);
      if (value !== undefined) return value;
      context.addIssue({ code: 'custom', message: wanted });
      return z.NEVER;
    });

/** A length of time with its unit; a bare number is refused, since nobody can know what it counts. */
export const duration = (least: string, most: string): z.ZodType<Ms> => {
  const [min, max] = [parseDuration(least) ?? 0, parseDuration(most) ?? Infinity];
  return converted(
    'duration',
    `a length of time with its unit from ${formatDuration(min)} to ${formatDuration(max)}, such as 10s or 500ms`,
    (raw) => {
      const value = typeof raw === 'string' ? parseDuration(raw) : undefined;
      return value !== undefined && value >= min && value <= max ? value : undefined;
    },
  );
};

/** A size in bytes: a whole number, or text with a unit. */
export const size = (most: string): z.ZodType<number> => {
  const max = parseSize(most) ?? Infinity;
  return converted('size', `a size up to ${formatSize(max)}, such as 16MB or a number of bytes`, (raw) => {
    const value = typeof raw === 'string' ? parseSize(raw) : raw;
    return typeof value === 'number' && Number.isSafeInteger(value) && value >= 0 && value <= max ? value : undefined;
  });
};

/** Text that matches a pattern; `wanted` says what would be right. */
export const matching = (pattern: RegExp, kind: string, wanted: string): z.ZodType<string> =>
  converted(kind, wanted, (raw) => (typeof raw === 'string' && pattern.test(raw) ? raw : undefined));

export const memberName: z.ZodType<MemberName> = converted(
  'member name',
  'a member name: lower case letters, digits, - and _, at most 63, beginning with a letter or digit',
  parseMemberName,
);

export const clusterName = matching(
  /^[a-z0-9][a-z0-9_-]{0,62}$/,
  'name',
  'a cluster name: lower case letters, digits, - and _, at most 63, beginning with a letter or digit',
);

export const absolutePath = matching(/^\/[^\p{Cc}]{0,1023}$/u, 'absolute path', 'an absolute path, beginning with /');

export const hostName = matching(/^[A-Za-z0-9_.:[\]-]{1,255}$/, 'host', 'a host name or an address');
export const port: z.ZodType<number> = converted('port', 'a port from 1 to 65535', (raw) => {
  const value = typeof raw === 'string' && /^\d{1,5}$/.test(raw) ? Number(raw) : raw;
  return typeof value === 'number' && Number.isInteger(value) && value >= 1 && value <= 65_535 ? value : undefined;
});

/** A database parameter's value: booleans become on and off, numbers text. */
export const parameterValue: z.ZodType<string> = converted('text', 'text, a number, true or false', (raw) => {
  if (typeof raw === 'boolean') return raw ? 'on' : 'off';
  if (typeof raw === 'number' && Number.isFinite(raw)) return String(raw);
  return typeof raw === 'string' ? raw : undefined;
});

/** A program with its arguments, without a shell. */
export const argv = z
  .array(z.string().min(1).max(4096))
  .min(1)
  .max(100)
  .refine((parts) => parts[0]?.startsWith('/') === true, 'a list that begins with the absolute path of a program');

/** A secret by value. A number is refused: YAML would have changed how it is written. */
export const secretText: z.ZodType<Secret> = converted('secret', 'text in quotes, not empty', (raw) =>
  typeof raw === 'string' && raw !== '' && raw.length <= 1024 && !/[\p{Cc}]/u.test(raw) ? secret(raw) : undefined,
);

/** A command that the database itself runs through a shell: as text, or as a list that is quoted here. */
export const shellCommand: z.ZodType<string> = converted(
  'command',
  'one line of text, or a list of a program and its arguments',
  (raw) => {
    if (typeof raw === 'string') return raw !== '' && !/[\p{Cc}]/u.test(raw) ? raw : undefined;
    const parts = argv.safeParse(raw);
    return parts.success ? parts.data.map(quoted).join(' ') : undefined;
  },
);

const quoted = (part: string): string =>
  /^[A-Za-z0-9_@%+=:,./-]+$/.test(part) ? part : `'${part.replaceAll("'", `'\\''`)}'`;

/** Host and port. */
export interface Address {
  readonly host: string;
  readonly port: number;
}

/** `host:port`, `[::1]:port`; `undefined` where it is neither. */
export const parseAddress = (text: unknown): Address | undefined => {
  const match = typeof text === 'string' ? /^(?:\[([0-9a-fA-F:.%]+)\]|([A-Za-z0-9_.*-]+)):(\d{1,5})$/.exec(text) : null;
  const host = match?.[1] ?? match?.[2];
  const number = Number(match?.[3]);
  return host !== undefined && number >= 1 && number <= 65_535 ? { host, port: number } : undefined;
};

export const address: z.ZodType<Address> = converted('host:port', 'host:port, such as 0.0.0.0:8010', parseAddress);

/** An http or https address with nothing after host and port. */
export const endpoint: z.ZodType<string> = converted('address', 'http://host:port or https://host:port', (raw) => {
  const match = typeof raw === 'string' ? /^(https?:\/\/)?([^/@]+)\/?$/.exec(raw) : null;
  return match !== null && parseAddress(match[2]) !== undefined ? `${match[1] ?? 'http://'}${match[2]}` : undefined;
});

/** An address or a network in CIDR notation. */
export const network: z.ZodType<string> = converted('network', 'an address or a network such as 10.0.0.0/8', (raw) => {
  const [host = '', bits, ...rest] = typeof raw === 'string' ? raw.split('/') : [];
  const family = isIP(host);
  if (family === 0 || rest.length > 0) return undefined;
  if (bits !== undefined && !(/^\d{1,3}$/.test(bits) && Number(bits) <= (family === 6 ? 128 : 32))) return undefined;
  return bits === undefined ? host : `${host}/${bits}`;
});
