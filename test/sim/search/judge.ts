import { primary, replica } from '../../../src/api/health.ts';
import { NO_LIMITS } from '../../../src/api/health-query.ts';
import { statusOf } from '../../../src/agent/status.ts';
import { termOf } from '../../../src/core/brand.ts';
import type { AgentStatus } from '../../../src/core/status.ts';
import type { StateTransaction } from '../../../src/core/transaction.ts';
import { checkShape } from '../checks/terms.ts';
import { Violation } from '../checks/violation.ts';
import { isPartOf, simPositions, type SimPosition } from '../database/positions.ts';
import { acknowledges, instantOf, type Machine, type State } from './state.ts';
import { viewOf } from './store.ts';

const FACTS = { cluster: 'sim', agentStartedAt: 0 };

const statusAt = (state: State, { memory }: Machine): AgentStatus | undefined =>
  memory === undefined ? undefined : statusOf({ ...memory, now: instantOf(state) }, simPositions, FACTS);

/** What `/primary` answers. Its status is as old as the agent's last step: a hung loop changes nothing in it. */
export const isOpen = (state: State, machine: Machine): boolean =>
  machine.memory?.reign !== undefined && primary(statusAt(state, machine), instantOf(state), NO_LIMITS).code === 200;

/** I1, I2, I5, I10 in one state. */
export const checkState = (state: State): void => {
  const { machines } = state;
  const writers = machines.filter(acknowledges);
  if (writers.length > 1)
    throw new Violation('I2', `${writers.map(({ name }) => name).join(' and ')} could both acknowledge a write`);
  const open = machines.filter((machine) => isOpen(state, machine));
  if (open.length > 1) throw new Violation('I10', `/primary says 200 on ${open.map(({ name }) => name).join(' and ')}`);
  const terms = machines.flatMap(({ memory }) => memory?.reign?.term ?? []);
  if (new Set(terms).size < terms.length) throw new Violation('I1', 'two members lead the same term');
  for (const machine of machines) checkReads(state, machine);
};

/** I5: a replica whose agent sees that its log left the leader's history serves no reads. */
const checkReads = (state: State, machine: Machine): void => {
  const { memory, data } = machine;
  if (data.kind !== 'running' || data.role !== 'replica' || memory?.view !== viewOf(state.store)) return;
  const position = memory.view.heartbeat?.value.position;
  if (position === undefined || memory.database.kind === 'unknown' || memory.database.value.kind !== 'running') return;
  const leader = position as SimPosition;
  const diverged = !isPartOf(data.position, leader) && !isPartOf(leader, data.position);
  if (diverged && replica(statusAt(state, machine), instantOf(state), NO_LIMITS).code === 200)
    throw new Violation('I5', `/replica of ${machine.name} says 200 although its log diverged`);
};

/** I11, and D2 and D3 as the transaction is written; `next` is the state after it. */
export const checkCommit = (next: State, by: number, transaction: StateTransaction): void => {
  checkShape(transaction);
  const machine = next.machines[by]!;
  const { heartbeat } = viewOf(next.store);
  const newest = heartbeat?.value.term ?? termOf(heartbeat?.modRevision ?? next.store.revision);
  const saysFenced = transaction.writes.some(
    (write) =>
      write.kind === 'put' &&
      ((write.key.kind === 'heartbeat' && 'released' in write.value && write.value.released) ||
        (write.key.kind === 'fenced' && write.key.term === newest)),
  );
  if (saysFenced && acknowledges(machine))
    throw new Violation('I11', `${machine.name} says that it is fenced, but its database is primary`);
};

/** What must always be reachable again: a primary that is open for clients and holds the key. */
export const isGoal = (state: State): boolean => {
  const leader = viewOf(state.store).leader?.value;
  return state.machines.some((machine) => machine.name === leader && acknowledges(machine) && isOpen(state, machine));
};
