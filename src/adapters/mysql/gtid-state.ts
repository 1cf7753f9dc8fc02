/**
 * MariaDB's history of a binary log (`domain-server-sequence`, one entry for each domain and server), which is
 * `gtid_binlog_state`. Within a domain sequence numbers only grow, whoever writes; and every start of a server gets a server
 * id of its own (see server-id.ts), so what one id wrote is one unbroken piece of one history. Hence: a log contains another
 * exactly when it has at least as much of every id.
 */
export type GtidState = ReadonlyMap<string, GtidEntry>;

export interface GtidEntry {
  readonly domain: number;
  /** 0 stands for everything up to `sequence` that is too old to be listed. No server has it. */
  readonly server: number;
  readonly sequence: bigint;
}

const LONGEST = 65_536;
const LARGEST = 2n ** 64n - 1n;
/** Entries kept of each domain, the newest: a promotion adds one. */
const KEPT = 64;

const keyOf = ({ domain, server }: GtidEntry): string => `${domain}-${server}`;

/** The greater of each entry. */
export const stateOf = (entries: Iterable<GtidEntry>): GtidState => {
  const result = new Map<string, GtidEntry>();
  for (const entry of entries) {
    const known = result.get(keyOf(entry));
    if (known === undefined || known.sequence < entry.sequence) result.set(keyOf(entry), entry);
  }
  return new Map(
    [...result].toSorted(([, a], [, b]) =>
      a.domain === b.domain ? (a.sequence < b.sequence ? -1 : 1) : a.domain - b.domain,
    ),
  );
};

/** Reads a list of GTIDs as a server writes it; `undefined` for everything that is none. Total. */
export const parseGtidState = (raw: unknown): GtidState | undefined => {
  if (typeof raw !== 'string' || raw.length > LONGEST) return undefined;
  const entries: GtidEntry[] = [];
  for (const piece of raw.replaceAll(/\s/g, '').split(',')) {
    if (piece === '') continue;
    const found = /^([0-9]{1,10})-([0-9]{1,10})-([0-9]{1,20})$/.exec(piece);
    if (found === null) return undefined;
    const entry = { domain: Number(found[1]), server: Number(found[2]), sequence: BigInt(found[3] ?? 0) };
    if (entry.domain > 0xffff_ffff || entry.server > 0xffff_ffff || entry.sequence > LARGEST) return undefined;
    if (entry.sequence > 0n) entries.push(entry);
  }
  return stateOf(entries);
};

export const formatGtidState = (state: GtidState): string =>
  [...state.values()].map(({ domain, server, sequence }) => `${domain}-${server}-${sequence}`).join(',');

export const merge = (...states: readonly GtidState[]): GtidState => stateOf(states.flatMap((s) => [...s.values()]));

const domainsOf = (state: GtidState): readonly number[] => [
  ...new Set([...state.values()].map(({ domain }) => domain)),
];

const inDomain = (state: GtidState, domain: number): readonly GtidEntry[] =>
  [...state.values()].filter((entry) => entry.domain === domain);

/** The last transaction of each domain: what `gtid_slave_pos` is set to. */
export const lastOf = (state: GtidState): GtidState =>
  stateOf(domainsOf(state).flatMap((domain) => inDomain(state, domain).slice(-1)));

/** The newest entries of each domain, and in place of the older ones how far they reach. */
export const shortened = (state: GtidState): GtidState =>
  stateOf(
    domainsOf(state).flatMap((domain) => {
      const entries = inDomain(state, domain);
      const dropped = entries.at(-KEPT - 1);
      return dropped === undefined ? entries : [...entries.slice(-KEPT), { ...dropped, server: 0 }];
    }),
  );

const reach = (state: GtidState, domain: number): bigint => inDomain(state, domain).at(-1)?.sequence ?? 0n;

const has = (whole: GtidState, entry: GtidEntry): boolean => {
  if (entry.server === 0) return reach(whole, entry.domain) >= entry.sequence;
  const floor = whole.get(`${entry.domain}-0`)?.sequence ?? 0n;
  return entry.sequence <= floor || (whole.get(keyOf(entry))?.sequence ?? 0n) >= entry.sequence;
};

/** Entries of `part` that reach further than `whole` does. */
export const beyond = (part: GtidState, whole: GtidState): readonly GtidEntry[] =>
  [...part.values()].filter((entry) => !has(whole, entry));

/** All of `part` is in `whole`. */
export const covers = (whole: GtidState, part: GtidState): boolean => beyond(part, whole).length === 0;

/** How many transactions of `whole` lie after the last one that `part` shares with it. */
export const lacking = (part: GtidState, whole: GtidState): bigint =>
  domainsOf(whole).reduce((sum, domain) => {
    const shared = inDomain(whole, domain).reduce((most, entry) => {
      const own = entry.server === 0 ? reach(part, domain) : (part.get(keyOf(entry))?.sequence ?? 0n);
      const both = own < entry.sequence ? own : entry.sequence;
      return both > most ? both : most;
    }, 0n);
    return sum + reach(whole, domain) - shared;
  }, 0n);

/**
 * The state that belongs to one place in a history: what of `after` (read later, of the same history) lies at or before
 * `place`, with `before` (read earlier) where a later value hides an earlier one.
 */
export const stateAt = (place: GtidState, before: GtidState, after: GtidState): GtidState => {
  const within = (entry: GtidEntry): boolean => entry.sequence <= reach(place, entry.domain);
  return merge(place, stateOf([...before.values()].filter(within)), stateOf([...after.values()].filter(within)));
};
