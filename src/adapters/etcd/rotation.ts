import type { Clock } from '../../ports/clock.ts';
import { elapsedAtLeast, type Instant } from '../../core/instant.ts';

/** Which endpoint to ask: the one that worked last; those that failed lately come last. */
export interface Rotation<E> {
  /** All endpoints, best first. */
  order(): readonly E[];
  worked(endpoint: E): void;
  failed(endpoint: E): void;
}

/** A failed endpoint is asked only after all others for this long. */
const REMEMBERED_MS = 5_000;

/** Starts at a random endpoint, so that agents spread over the servers. */
export const createRotation = <E>(
  endpoints: readonly E[],
  deps: { readonly clock: Clock; readonly random: () => number },
): Rotation<E> => {
  const failures = new Map<E, Instant>();
  let first = Math.floor(deps.random() * endpoints.length) % Math.max(1, endpoints.length);

  const isBad = (endpoint: E, now: Instant): boolean => {
    const failedAt = failures.get(endpoint);
    return failedAt !== undefined && elapsedAtLeast(failedAt, now) < REMEMBERED_MS;
  };
  const failedAt = (endpoint: E): number => failures.get(endpoint)?.mono ?? -Infinity;

  return {
    order: () => {
      const now = deps.clock.now();
      const turned = [...endpoints.slice(first), ...endpoints.slice(0, first)];
      const bad = turned.filter((e) => isBad(e, now)).toSorted((a, b) => failedAt(a) - failedAt(b));
      return [...turned.filter((e) => !isBad(e, now)), ...bad];
    },
    worked: (endpoint) => {
      failures.delete(endpoint);
      first = endpoints.indexOf(endpoint);
    },
    failed: (endpoint) => {
      failures.set(endpoint, deps.clock.now());
    },
  };
};
