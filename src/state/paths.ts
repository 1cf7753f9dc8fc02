import { parseMemberName, revision, revisionOf, termOf, type Term } from '../core/brand.ts';
import type { KeyRef } from '../core/transaction.ts';

/** Where the cluster's keys lie in etcd, below `<prefix>/<cluster>/`. */

/** The prefix of all keys of a cluster, with the slash at its end: `/haagent` and `demo` give `/haagent/demo/`. */
export const clusterPrefix = (prefix: string, cluster: string): string => `${prefix.replace(/\/+$/, '')}/${cluster}/`;

/** The key's name below the prefix. */
export const nameOf = (key: KeyRef): string => {
  switch (key.kind) {
    case 'member':
      return `members/${key.name}`;
    case 'pledge':
      return `pledges/${key.name}`;
    case 'suspect':
      return `suspects/${key.name}`;
    case 'intent':
      return `intents/${key.id}`;
    case 'fenced':
      return `fenced/${revisionOf(key.term)}`;
    case 'history-of':
      return `history/${revisionOf(key.term)}`;
    case 'config-version':
      return `config-history/${key.number}`;
    case 'leader':
    case 'heartbeat':
    case 'history':
    case 'sync':
    case 'initialize':
    case 'config':
    case 'failsafe':
      return key.kind;
    default:
      return key satisfies never;
  }
};

/** The absolute key. `prefix` ends with a slash (see `clusterPrefix`). */
export const pathOf = (prefix: string, key: KeyRef): string => prefix + nameOf(key);

const SINGLE: ReadonlyMap<string, KeyRef> = new Map(
  (['leader', 'heartbeat', 'history', 'sync', 'initialize', 'config', 'failsafe'] as const).map((kind) => [
    kind,
    { kind },
  ]),
);

const INTENT_ID = /^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$/;
const TERM = /^[1-9]\d{0,15}$/;
const NUMBER = /^[1-9]\d{0,8}$/;

/** Parses an intent's id: 1 to 64 letters, digits, `.`, `_`, `-`. */
export const parseIntentId = (text: unknown): string | undefined =>
  typeof text === 'string' && INTENT_ID.test(text) ? text : undefined;

/** A term as it stands in a key; `undefined` when it could not be one. */
const parseTermText = (text: string): Term | undefined =>
  TERM.test(text) && Number.isSafeInteger(Number(text)) ? termOf(revision(BigInt(text))) : undefined;

/** What a key below the prefix is about; `undefined` when it is none of ours. The inverse of `nameOf`. */
export const parseName = (name: string): KeyRef | undefined => {
  const slash = name.indexOf('/');
  if (slash < 0) return SINGLE.get(name);
  const rest = name.slice(slash + 1);
  switch (name.slice(0, slash)) {
    case 'members':
      return named('member', rest);
    case 'pledges':
      return named('pledge', rest);
    case 'suspects':
      return named('suspect', rest);
    case 'intents': {
      const id = parseIntentId(rest);
      return id === undefined ? undefined : { kind: 'intent', id };
    }
    case 'fenced':
      return ofTerm('fenced', rest);
    case 'history':
      return ofTerm('history-of', rest);
    case 'config-history':
      return NUMBER.test(rest) ? { kind: 'config-version', number: Number(rest) } : undefined;
    default:
      return undefined;
  }
};

const named = (kind: 'member' | 'pledge' | 'suspect', text: string): KeyRef | undefined => {
  const name = parseMemberName(text);
  return name === undefined ? undefined : { kind, name };
};

const ofTerm = (kind: 'fenced' | 'history-of', text: string): KeyRef | undefined => {
  const term = parseTermText(text);
  return term === undefined ? undefined : { kind, term };
};
