import { ms, type Ms, type Term } from '../core/brand.ts';
import type { Instant } from '../core/instant.ts';
import type { Event } from '../core/memory.ts';
import type { Guard, GuardEvent } from '../ports/guard.ts';
import type { Log } from '../ports/log.ts';

/** Passes orders to the guard, one after another, and what it says to the core. */
export const createGuardLink = (deps: {
  readonly guard: Guard;
  readonly log: Log;
  readonly signal: AbortSignal;
  /** How long before a deadline the fence begins. */
  readonly fenceBudget: () => Ms;
  readonly post: (event: Event) => void;
  readonly fenced: (event: Extract<GuardEvent, { kind: 'fenced' }>) => void;
}): {
  readonly arm: (term: Term, deadline: Instant) => void;
  readonly disarm: (term: Term) => void;
  readonly standDown: (term: Term) => void;
  readonly close: () => Promise<void>;
} => {
  const { guard, log, signal } = deps;
  const timeout = ms(1_000);
  let orders: Promise<void> = Promise.resolve();
  let waiting: { readonly term: Term; readonly deadline: Instant } | undefined;

  const tell = (): void => {
    const { alive, armed, cut } = guard.state();
    const more = cut === undefined ? {} : { cut };
    deps.post({ kind: 'guard', alive, term: armed?.term, deadline: armed?.deadline, ...more });
  };

  const order = (what: string, give: () => Promise<void>): void => {
    orders = orders.then(give).then(tell, (error: unknown) => {
      if (signal.aborted) return;
      log.warn(
        'guard.refused',
        `the guard did not acknowledge to ${what}: ${error instanceof Error ? error.message : String(error)}`,
      );
      tell();
    });
  };

  const off = guard.onEvent((event) => {
    if (event.kind === 'lost') log.warn('guard.lost', 'the guard is gone; it is being started again');
    if (event.kind === 'connected') log.info('guard.connected', 'the guard is there', { pid: guard.state().pid });
    if (event.kind === 'fenced') deps.fenced(event);
    tell();
  });
  tell();

  return {
    arm: (term, deadline) => {
      // Only the newest deadline matters: orders that wait behind a slow one are replaced by it.
      const first = waiting === undefined;
      waiting = { term, deadline };
      if (!first) return;
      order(`arm for term ${term}`, async () => {
        const next = waiting;
        waiting = undefined;
        if (next !== undefined) await guard.arm({ ...next, fenceBudget: deps.fenceBudget(), timeout, signal });
      });
    },
    standDown: (term) => order(`stand down in term ${term}`, async () => guard.standDown({ term, timeout, signal })),
    disarm: (term) => order(`disarm after term ${term}`, async () => guard.disarm({ term, timeout, signal })),
    close: async () => {
      off();
      await orders;
    },
  };
};
