import { createHash, timingSafeEqual } from 'node:crypto';
import { elapsedAtLeast, type Instant } from '../core/instant.ts';
import type { Clock } from '../ports/clock.ts';

export interface Credentials {
  readonly username: string;
  readonly password: string;
}

export type Admission = 'admitted' | 'wrong' | 'missing' | 'limited';

/** Wrong credentials that one address may send in a minute before it has to wait. */
const TRIES = 10;
const WINDOW_MS = 60_000;
/** Addresses remembered at once: an attacker with many must not fill the memory. */
const MOST_ADDRESSES = 4096;

/**
 * Checks HTTP basic credentials in constant time and slows down guessing by address.
 * While an address is limited its correct credentials do not count either: otherwise guessing would go on unseen.
 */
export const createCredentialCheck = (
  credentials: Credentials,
  clock: Clock,
): ((authorization: string | undefined, address: string) => Admission) => {
  const wanted = digest(`${credentials.username}:${credentials.password}`);
  const failures = new Map<string, { readonly since: Instant; readonly count: number }>();

  const recentFailures = (address: string): number => {
    const entry = failures.get(address);
    if (entry === undefined) return 0;
    if (elapsedAtLeast(entry.since, clock.now()) < WINDOW_MS) return entry.count;
    failures.delete(address);
    return 0;
  };

  const recordFailure = (address: string): void => {
    const count = recentFailures(address) + 1;
    const oldest = failures.keys().next();
    if (failures.size >= MOST_ADDRESSES && oldest.done !== true) failures.delete(oldest.value);
    failures.set(address, { since: failures.get(address)?.since ?? clock.now(), count });
  };

  return (authorization, address) => {
    if (recentFailures(address) >= TRIES) return 'limited';
    if (authorization === undefined) return 'missing';
    const match = /^basic +([a-z0-9+/=]{1,1024})$/i.exec(authorization);
    const given = Buffer.from(match?.[1] ?? '', 'base64').toString('utf8');
    if (match !== null && timingSafeEqual(digest(given), wanted)) return 'admitted';
    recordFailure(address);
    return 'wrong';
  };
};

const digest = (text: string): Buffer => createHash('sha256').update(text, 'utf8').digest();
