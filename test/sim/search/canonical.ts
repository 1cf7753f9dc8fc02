import { hash } from 'node:crypto';
import type { Instant } from '../../../src/core/instant.ts';
import type { ClusterView } from '../../../src/core/model.ts';
import { TICK, type Machine, type State } from './state.ts';
import { viewOf } from './store.ts';

/**
 * One name for all states that behave alike: times are ages, revisions and dates are ranks among those that still occur, and
 * what only people read is left out.
 */
export const nameOfState = (state: State): string => {
  const tokens: Token[] = [`${state.faults} ${state.terms} ${state.asked}`];
  const write = writer(state.now, tokens);
  tokens.push(...viewTokens(viewOf(state.store)));
  for (const machine of state.machines) writeMachine(machine, state.now, write, tokens);
  const limbo = state.limbo.map(({ by, transaction }) => {
    const own: Token[] = [by];
    writer(state.now, own)(transaction);
    return own;
  });
  for (const own of limbo) tokens.push(...own);
  return hash('sha1', ranked(tokens), 'base64');
};

type Token = string | number | bigint | { readonly date: string };
type Write = (value: unknown, key?: string) => void;

const writeMachine = (machine: Machine, now: number, write: Write, tokens: Token[]): void => {
  const { memory, guard, data, task, flights, lives, stalled } = machine;
  // Whether everybody had a turn decides whether time may go on.
  tokens.push('|', lives, String(stalled), String(memory?.now.mono === now));
  write(guard);
  write(data);
  write(task);
  for (const { id, transaction, outcome } of flights) {
    tokens.push(memory?.flights.findIndex((flight) => flight.id === id) ?? -1);
    write(transaction);
    write(outcome);
  }
  if (memory === undefined) return void tokens.push('dead');
  const { view, ...rest } = memory;
  tokens.push(...(view === undefined ? ['blind'] : viewTokens(view)));
  write(rest);
};

/** Fields that no rule looks at, or that are the same in all states of a search. */
const LEFT_OUT = new Set([
  'now',
  'wall',
  'time',
  'decision',
  'self',
  'settings',
  'viewAt',
  'databaseAt',
  'slotsKeptAt',
  'startedAt',
  'seq',
  'reason',
  'why',
  'message',
  'id',
  'flight',
  'nextFlight',
  'tags',
  'apiUrl',
  'version',
  'serverVersion',
  'configured',
  'olderTerms',
  'configVersions',
  'configuration',
]);

/** Ages from here on are the same to every rule: no rule of these searches waits for longer. */
const OLD = 4;
/** Moments that a rule compares with now alone: once past, how long ago does not matter. */
const ENDS = new Set(['deadline', 'dueAt', 'standAsideUntil', 'until', 'notBefore']);
/** What paces upkeep is shorter than a tick. */
const PACES = new Set(['publishedAt', 'disarmedAt']);
const oldest = (key: string | undefined): number => (ENDS.has(key ?? '') ? 0 : PACES.has(key ?? '') ? -1 : -OLD);

const isInstant = (value: object): value is Instant => 'mono' in value && 'boot' in value;

const writer = (now: number, tokens: Token[]): Write => {
  const write: Write = (value, key) => {
    if (typeof value === 'bigint') tokens.push(value);
    else if (key === 'at' && typeof value === 'string') tokens.push({ date: value });
    else if (key === 'at' && typeof value === 'number') return;
    else if (typeof value !== 'object' || value === null) tokens.push(String(value));
    else if (isInstant(value)) tokens.push(Math.max(oldest(key), Math.round((value.mono - now) / TICK)));
    else if (Array.isArray(value)) {
      tokens.push('[', value.length);
      for (const item of value) write(item);
    } else if (value instanceof Map) {
      tokens.push('{', value.size);
      for (const [name, item] of [...value].sort(byName)) {
        tokens.push(String(name));
        write(item);
      }
    } else if (value instanceof Set) {
      tokens.push('(', value.size);
      for (const item of [...value].sort(byValue)) write(item);
    } else
      for (const [name, item] of Object.entries(value))
        if (!LEFT_OUT.has(name) && item !== undefined) {
          tokens.push(name);
          write(item, name);
        }
  };
  return write;
};

const byValue = (a: bigint | string, b: bigint | string): number => (a < b ? -1 : 1);

const byName = ([a]: readonly [unknown, unknown], [b]: readonly [unknown, unknown]): number =>
  String(a) < String(b) ? -1 : 1;

const known = new WeakMap<ClusterView, readonly Token[]>();

/** A view holds no times, so it is written once. */
const viewTokens = (view: ClusterView): readonly Token[] => {
  const made = known.get(view);
  if (made !== undefined) return made;
  const tokens: Token[] = [];
  writer(0, tokens)(view);
  known.set(view, tokens);
  return tokens;
};

/** Revisions and dates by their order alone. */
const ranked = (tokens: readonly Token[]): string => {
  const revisions = new Set<bigint>();
  const dates = new Set<string>();
  for (const token of tokens)
    if (typeof token === 'bigint') revisions.add(token);
    else if (typeof token === 'object') dates.add(token.date);
  // Nothing is older than "not there", which stays what it is.
  revisions.delete(0n);
  const rankOf = new Map([...revisions].sort((a, b) => (a < b ? -1 : 1)).map((value, index) => [value, index + 1]));
  const dateOf = new Map([...dates].map((value, index) => [value, index]));
  let text = '';
  for (const token of tokens)
    if (typeof token === 'bigint') text += `#${rankOf.get(token) ?? 0},`;
    else if (typeof token === 'object') text += `@${dateOf.get(token.date)},`;
    else text += `${token},`;
  return text;
};
