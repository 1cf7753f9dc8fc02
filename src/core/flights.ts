import type { Effect, Flight, Memory, Purpose } from './memory.ts';
import type { StateTransaction } from './transaction.ts';

/** Transactions under way: at most one about leadership at a time, each remembered until it is answered. */

const LEADERSHIP: readonly Purpose['kind'][] = ['heartbeat', 'lead', 'release', 'give-back', 'hand-over'];

/** At most one transaction about leadership is under way at a time. */
export const leadershipInFlight = (m: Memory): boolean => m.flights.some((f) => LEADERSHIP.includes(f.purpose.kind));

export const inFlight = (m: Memory, kind: Purpose['kind']): boolean => m.flights.some((f) => f.purpose.kind === kind);

/** Remembers a transaction as under way and hands it to the shell. */
export const send = (
  m: Memory,
  purpose: Purpose,
  transaction: StateTransaction,
): readonly [Memory, readonly Effect[]] => {
  const flight: Flight = { id: m.nextFlight, purpose, sentAt: m.now };
  return [
    { ...m, flights: [...m.flights, flight], nextFlight: m.nextFlight + 1 },
    [{ kind: 'transact', flight: flight.id, transaction, urgent: LEADERSHIP.includes(purpose.kind) }],
  ];
};
