/** Values that only a parser can make: the compiler then keeps a term from being used where a revision belongs. */
declare const brand: unique symbol;
export type Brand<T, B extends string> = T & { readonly [brand]: B };

/** A length of time in milliseconds. */
export type Ms = Brand<number, 'Ms'>;
/** An etcd revision (64 bits: never a number). */
export type Revision = Brand<bigint, 'Revision'>;
/** The leader key's mod revision: grows with every leadership, the fencing token (rule D1). */
export type Term = Brand<bigint, 'Term'>;
/** An etcd lease id, as the decimal string that etcd's clients use. */
export type LeaseId = Brand<string, 'LeaseId'>;
/** A member's name: lower case letters, digits, `_` and `-`, at most 63, starting with a letter or digit. */
export type MemberName = Brand<string, 'MemberName'>;
/** One life of a member's data (rule D12): new at every clone, restore or reinit. */
export type InstanceId = Brand<string, 'InstanceId'>;

export const ms = (value: number): Ms => value as Ms;
export const revision = (value: bigint): Revision => value as Revision;
/** The mod revision that an absent key compares equal to in an etcd transaction. */
export const NEVER: Revision = revision(0n);
/** A term is the revision of the transaction that wrote the leader key (rule D3). */
export const termOf = (modRevision: Revision): Term => modRevision as bigint as Term;
/** The revision at which this term's transaction wrote leader, heartbeat and history together. */
export const revisionOf = (term: Term): Revision => term as bigint as Revision;
export const leaseId = (value: string): LeaseId => value as LeaseId;

const MEMBER_NAME = /^[a-z0-9][a-z0-9_-]{0,62}$/;
const INSTANCE = /^[a-z0-9]{4,32}$/;

/** Parses a member name; `undefined` when the text could not be one (nothing hostile gets past here). */
export const parseMemberName = (text: unknown): MemberName | undefined =>
  typeof text === 'string' && MEMBER_NAME.test(text) ? (text as MemberName) : undefined;

/** Parses an instance id: 4 to 32 lower case letters and digits. */
export const parseInstanceId = (text: unknown): InstanceId | undefined =>
  typeof text === 'string' && INSTANCE.test(text) ? (text as InstanceId) : undefined;
