import { termOf, type MemberName, type Term } from '../../../src/core/brand.ts';
import { remaining } from '../../../src/core/instant.ts';
import type { Memory } from '../../../src/core/memory.ts';
import type { ClusterView } from '../../../src/core/model.ts';
import type { StateTransaction } from '../../../src/core/transaction.ts';
import { nameOf } from '../../../src/state/paths.ts';
import type { Host } from '../host/host.ts';
import { Violation } from './violation.ts';

/** I1: one holder a term, and terms grow. A term is what an agent believes that it leads, whoever wrote it. */
export const createTermCheck = (): ((host: Host, before: Memory, after: Memory) => void) => {
  const holders = new Map<Term, MemberName>();
  return (host, before, after) => {
    const term = after.reign?.term;
    if (term === undefined || term === before.reign?.term) return;
    const holder = holders.get(term);
    if (holder !== undefined && holder !== host.name)
      throw new Violation('I1', `${host.name} leads term ${term}, which ${holder} has led`);
    holders.set(term, host.name);
    if (before.reign !== undefined && term < before.reign.term)
      throw new Violation('I1', `${host.name} went from term ${before.reign.term} back to ${term}`);
  };
};

/** Whoever leads by silence finds nobody whose right lasts, by any clock, and no other database that is primary (R1, R2). */
export const checkSilence = (
  host: Host,
  { compare, writes }: StateTransaction,
  before: ClusterView | undefined,
  after: ClusterView,
  hosts: readonly Host[],
): void => {
  const last = before?.heartbeat;
  const how = after.history?.value.how;
  if (how !== 'acquire' && how !== 'take-over') return;
  const takes = writes.some(
    (write) => write.kind === 'put' && write.key.kind === 'leader' && write.value === host.name,
  );
  // Who leads by pledges waits for nobody (R3).
  if (compare.some(({ key }) => key.kind === 'pledge')) return;
  if (!takes || last === undefined || last.value.released || last.value.paused) return;
  if (before?.fenced.has(last.value.term ?? termOf(last.modRevision)) === true) return;
  for (const other of hosts) {
    if (other === host || !other.active()) continue;
    if (other.acknowledges() && !other.justThawed())
      throw new Violation('R2', `${host.name} leads by silence while the database of ${other.name} is primary`);
    const { deadline } = other.right();
    if (deadline !== undefined && remaining(deadline, other.now()) > 0)
      throw new Violation('R2', `${host.name} leads by silence while the right of ${other.name} lasts`);
  }
};

/** Rules D1 to D3, read off the transaction itself. */
export const checkShape = ({ compare, writes }: StateTransaction): void => {
  const compares = (name: string): boolean => compare.some(({ key }) => nameOf(key) === name);
  if (!writes.some(({ key }) => compares(nameOf(key))))
    throw new Violation(
      'D2',
      `a transaction on ${writes.map(({ key }) => nameOf(key)).join(', ')} compares no key that it changes`,
    );
  const beats = writes.some((write) => write.kind === 'put' && write.key.kind === 'heartbeat');
  if (beats && !(compares('leader') && compares('heartbeat')))
    throw new Violation('D4', 'heartbeat was written without a comparison of leader and heartbeat');
  if (!writes.some((write) => write.kind === 'put' && write.key.kind === 'leader')) return;
  for (const kind of ['heartbeat', 'history'])
    if (!writes.some(({ key }) => key.kind === kind)) throw new Violation('D3', `leader was written without ${kind}`);
  for (const name of ['leader', 'heartbeat', 'history', 'sync'])
    if (!compares(name)) throw new Violation('D3', `leader was written without a comparison of ${name}`);
};
