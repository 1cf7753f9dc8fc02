import { termOf, revision, ms, type Ms, type Term } from '../../core/brand.ts';
import type { Instant } from '../../core/instant.ts';

/** What agent and guard say to each other: one JSON object a line, over a unix socket. */

/** A guard that speaks another version is replaced as soon as it is not armed. */
export const PROTOCOL_VERSION = 1;
/** How the token reaches the guard: other users can read a command line, but not the environment. */
export const TOKEN_VARIABLE = 'HAAGENT_GUARD_TOKEN';
/** How the newest order reaches a guard that is only being started: one line as over the socket. It holds the token. */
export const ORDER_VARIABLE = 'HAAGENT_GUARD_ORDER';
/** No message of ours comes near it. */
export const LONGEST_LINE = 8_192;

export type GuardOrder =
  | {
      readonly kind: 'arm';
      readonly token: string;
      readonly term: Term;
      readonly deadline: Instant;
      readonly fenceBudget: Ms | undefined;
    }
  | { readonly kind: 'disarm' | 'stand-down'; readonly token: string; readonly term: Term }
  | { readonly kind: 'state'; readonly token: string };

export interface GuardReport {
  readonly version: number;
  readonly pid: number;
  readonly phase: string;
  readonly dataDir: string;
  readonly replicaMark: string;
  readonly armed: { readonly term: Term; readonly deadline: Instant } | undefined;
  /** How clients are kept away; undefined: they are not, or the guard is older than that. */
  readonly cut: string | undefined;
}

export type GuardMessage =
  | { readonly kind: 'ack'; readonly id: number; readonly report: GuardReport }
  | { readonly kind: 'refused'; readonly id: number | undefined; readonly code: string; readonly why: string }
  | { readonly kind: 'fenced'; readonly term: Term | undefined; readonly killed: number; readonly tookMs: number }
  | { readonly kind: 'unfenced'; readonly stuck: readonly number[]; readonly why: string };

/** One line for an object: terms are bigints and travel as decimal text. */
export const encodeLine = (message: object): string =>
  `${JSON.stringify(message, (_, value: unknown) => (typeof value === 'bigint' ? String(value) : value))}\n`;

/** An order with the number its answer will carry, or what is wrong with the line. */
export const parseOrder = (
  line: string,
): { readonly id: number; readonly order: GuardOrder } | { readonly id: number | undefined; readonly why: string } => {
  const raw = parseObject(line);
  if (raw === undefined) return { id: undefined, why: 'not a JSON object' };
  const { id, kind, token } = raw;
  if (typeof id !== 'number' || !Number.isSafeInteger(id)) return { id: undefined, why: 'id is not an integer' };
  if (typeof token !== 'string') return { id, why: 'token is missing' };
  if (kind === 'state') return { id, order: { kind, token } };
  const term = parseTerm(raw['term']);
  if (kind !== 'arm' && kind !== 'disarm' && kind !== 'stand-down')
    return { id, why: 'kind is none of arm, disarm, stand-down, state' };
  if (term === undefined) return { id, why: 'term is not a positive decimal number in quotes' };
  if (kind !== 'arm') return { id, order: { kind, token, term } };
  const deadline = parseInstant(raw['deadline']);
  const budget = raw['fenceBudget'];
  if (deadline === undefined) return { id, why: 'deadline is not {mono, boot} in milliseconds' };
  if (budget !== undefined && !isPositive(budget)) return { id, why: 'fenceBudget is not a number of milliseconds' };
  return {
    id,
    order: { kind, token, term, deadline, fenceBudget: budget === undefined ? undefined : ms(budget) },
  };
};

/** What a guard said; `undefined` when it is nothing that this version understands. */
export const parseMessage = (line: string): GuardMessage | undefined => {
  const raw = parseObject(line);
  if (raw === undefined) return undefined;
  const { kind, id, code, why, killed, tookMs, stuck } = raw;
  if (kind === 'ack') {
    const report = parseReport(raw['report']);
    return typeof id === 'number' && report !== undefined ? { kind, id, report } : undefined;
  }
  if (kind === 'refused' && typeof code === 'string' && typeof why === 'string')
    return { kind, id: typeof id === 'number' ? id : undefined, code, why };
  if (kind === 'fenced' && typeof killed === 'number' && typeof tookMs === 'number')
    return { kind, term: parseTerm(raw['term']), killed, tookMs };
  if (kind === 'unfenced' && typeof why === 'string' && Array.isArray(stuck))
    return { kind, why, stuck: stuck.filter((pid): pid is number => typeof pid === 'number') };
  return undefined;
};

const parseReport = (raw: unknown): GuardReport | undefined => {
  if (!isObject(raw)) return undefined;
  const { version, pid, phase, dataDir, replicaMark, armed, cut } = raw;
  if (
    typeof version !== 'number' ||
    typeof pid !== 'number' ||
    typeof phase !== 'string' ||
    typeof dataDir !== 'string' ||
    typeof replicaMark !== 'string'
  )
    return undefined;
  return {
    version,
    pid,
    phase,
    dataDir,
    replicaMark,
    armed: parseArmed(armed),
    cut: typeof cut === 'string' ? cut : undefined,
  };
};

/** A term with its deadline, as a report or a state file holds it. */
export const parseArmed = (
  raw: unknown,
): { readonly term: Term; readonly deadline: Instant; readonly fenceBudget: Ms | undefined } | undefined => {
  if (!isObject(raw)) return undefined;
  const [term, deadline, budget] = [parseTerm(raw['term']), parseInstant(raw['deadline']), raw['fenceBudget']];
  if (term === undefined || deadline === undefined) return undefined;
  return { term, deadline, fenceBudget: isPositive(budget) ? ms(budget) : undefined };
};

export const parseTerm = (raw: unknown): Term | undefined =>
  typeof raw === 'string' && /^[1-9][0-9]{0,18}$/.test(raw) ? termOf(revision(BigInt(raw))) : undefined;

export const parseInstant = (raw: unknown): Instant | undefined =>
  isObject(raw) && isPositive(raw['mono']) && isPositive(raw['boot'])
    ? { mono: raw['mono'], boot: raw['boot'] }
    : undefined;

export const parseObject = (text: string): Record<string, unknown> | undefined => {
  try {
    const value: unknown = JSON.parse(text);
    return isObject(value) ? value : undefined;
  } catch {
    return undefined;
  }
};

const isObject = (value: unknown): value is Record<string, unknown> =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

const isPositive = (value: unknown): value is number =>
  typeof value === 'number' && Number.isFinite(value) && value > 0;
