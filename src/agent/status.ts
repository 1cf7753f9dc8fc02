import type { AgentStatus } from '../core/status.ts';
import type { Memory } from '../core/memory.ts';
import type { PositionAlgebra } from '../core/position.ts';
import { closesPrimary } from '../core/handover.ts';
import { describeDemand } from '../core/quorum/durability.ts';
import { keptClosed, openUntil } from '../core/quorum/open.ts';
import { lagOf, roleOf, serves, stateOf } from '../core/publish.ts';
import { ranking, takeSnapshot } from '../core/snapshot.ts';

/** What the agent shows of itself, made anew from each memory. `agentStartedAt` is wall clock milliseconds. */
export const statusOf = (
  m: Memory,
  positions: PositionAlgebra,
  facts: { readonly cluster: string; readonly agentStartedAt: number },
): AgentStatus => {
  const s = takeSnapshot(m, positions);
  const { reign } = m;
  // Worked out when they are asked for: most readers of a status are health checks, which do not.
  let lag: { readonly value: number | undefined } | undefined;
  let candidates: AgentStatus['candidates'] | undefined;
  const open =
    reign !== undefined &&
    reign.clearance !== 'no' &&
    reign.barrier &&
    s.running?.role === 'primary' &&
    s.running.writable &&
    m.task?.task.kind !== 'stop' &&
    m.task?.task.kind !== 'fence' &&
    !closesPrimary(m.handover) &&
    keptClosed(s) === undefined;
  return {
    cluster: facts.cluster,
    name: m.self.name,
    instance: m.instance,
    agent: m.self.agent,
    version: m.self.version,
    engine: m.self.engine,
    apiUrl: m.self.apiUrl,
    host: m.self.host,
    port: m.self.port,
    agentStartedAt: facts.agentStartedAt,
    madeAt: m.now,
    databaseAt: m.databaseAt,
    leads: reign !== undefined,
    term: reign?.term,
    cleared: reign !== undefined && reign.clearance !== 'no',
    deadline: reign?.deadline,
    open,
    openUntil: openUntil(m),
    serving: serves(s),
    database: m.database,
    role: roleOf(m),
    state: stateOf(m),
    position: s.running?.position,
    get lag() {
      return (lag ??= { value: lagOf(m, positions) }).value;
    },
    lagUnit: positions.unit,
    tags: m.self.tags,
    settings: m.settings,
    view: m.view,
    viewAt: m.viewAt,
    storeTrouble: m.storeTrouble,
    failsafe: { activeSince: m.failsafe.activeSince, refusals: m.failsafe.refusals },
    decision: m.decision,
    get candidates() {
      return (candidates ??= ranking(s));
    },
    guard: { alive: m.guard.alive, armedTerm: m.guard.term, cut: m.guard.cut },
    task:
      m.task === undefined
        ? undefined
        : { name: m.task.task.kind, since: m.wall - Math.round(m.now.mono - m.task.since.mono), detail: taskDetail(m) },
    loopAt: m.wall,
    stopping: m.stopping !== 'no',
  };
};

const taskDetail = (m: Memory): string => {
  const task = m.task?.task;
  if (task === undefined) return '';
  if ('reason' in task) return task.reason;
  if (task.kind === 'acknowledge') return describeDemand(task.wanted);
  if ('from' in task) return `from ${task.from.member}`;
  return '';
};
