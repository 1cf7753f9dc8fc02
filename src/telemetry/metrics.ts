import { Counter, Gauge, Histogram, Registry } from 'prom-client';
import type { AgentStatus } from '../core/status.ts';
import { remaining, type Instant } from '../core/instant.ts';

/** Metric names in one place: every one has a help text, label values come from unions only. */
export interface Metrics {
  /** Fills the gauges when the text is asked for. */
  useStatus(status: () => AgentStatus | undefined, now: () => Instant): void;
  loop(tookMs: number): void;
  storeCall(what: 'leadership' | 'other', outcome: string, tookMs: number): void;
  databaseCall(tookMs: number): void;
  roleChange(to: string): void;
  decision(rule: string): void;
  task(kind: string, result: string): void;
  fencing(by: 'agent' | 'guard'): void;
  text(): Promise<string>;
}

const SECONDS = [0.001, 0.005, 0.01, 0.05, 0.1, 0.5, 1, 2, 5, 10];

export const createMetrics = (): Metrics => {
  const registry = new Registry();
  const registers = [registry];
  const loop = new Histogram({
    name: 'haagent_loop_seconds',
    help: 'Time that one event took in the core.',
    buckets: SECONDS,
    registers,
  });
  const store = new Histogram({
    name: 'haagent_store_call_seconds',
    help: 'Transactions with etcd.',
    labelNames: ['what', 'outcome'],
    buckets: SECONDS,
    registers,
  });
  const database = new Histogram({
    name: 'haagent_database_call_seconds',
    help: 'Observations of the own database.',
    buckets: SECONDS,
    registers,
  });
  const roles = new Counter({
    name: 'haagent_role_changes_total',
    help: 'Changes of the database’s role.',
    labelNames: ['to'],
    registers,
  });
  const decisions = new Counter({
    name: 'haagent_decisions_total',
    help: 'Decisions that differed from the one before, by rule.',
    labelNames: ['rule'],
    registers,
  });
  const tasks = new Counter({
    name: 'haagent_tasks_total',
    help: 'Long actions on the database, by how they ended.',
    labelNames: ['task', 'result'],
    registers,
  });
  const fencings = new Counter({
    name: 'haagent_fencings_total',
    help: 'Times that the database was fenced.',
    labelNames: ['by'],
    registers,
  });
  let read: (() => AgentStatus | undefined) | undefined;
  let clock: (() => Instant) | undefined;
  statusGauges(
    registers,
    () => read?.(),
    () => clock?.(),
  );
  return {
    useStatus: (status, now) => {
      read = status;
      clock = now;
    },
    loop: (tookMs) => loop.observe(tookMs / 1000),
    storeCall: (what, outcome, tookMs) => store.observe({ what, outcome }, tookMs / 1000),
    databaseCall: (tookMs) => database.observe(tookMs / 1000),
    roleChange: (to) => roles.inc({ to }),
    decision: (rule) => decisions.inc({ rule }),
    task: (task, result) => tasks.inc({ task, result }),
    fencing: (by) => fencings.inc({ by }),
    text: async () => registry.metrics(),
  };
};

type Read = (status: AgentStatus, now: Instant) => number | undefined;

const flag = (value: boolean): number => (value ? 1 : 0);
const MS = 1000;

const GAUGES: readonly { readonly name: string; readonly help: string; readonly read: Read }[] = [
  { name: 'haagent_leader', help: '1 where this member holds the leader key.', read: (s) => flag(s.leads) },
  { name: 'haagent_primary', help: '1 where the database is primary.', read: (s) => flag(s.role === 'primary') },
  { name: 'haagent_replica', help: '1 where the database is a replica.', read: (s) => flag(s.role === 'replica') },
  { name: 'haagent_open', help: '1 where clients may write here (the deadline aside).', read: (s) => flag(s.open) },
  { name: 'haagent_serving', help: '1 where this replica may serve reads.', read: (s) => flag(s.serving) },
  {
    name: 'haagent_term',
    help: 'The term that this member leads; 0 when it leads none.',
    read: (s) => Number(s.term ?? 0n),
  },
  {
    name: 'haagent_lease_seconds_left',
    help: 'Until when this member’s right lasts; 0 when it has none.',
    read: (s, now) => (s.deadline === undefined ? 0 : Math.max(0, remaining(s.deadline, now) / MS)),
  },
  {
    name: 'haagent_lag',
    help: 'How far the applied log is behind the leader’s last published position (see unit in /status).',
    read: (s) => s.lag,
  },
  { name: 'haagent_guard_alive', help: '1 while the guard is there.', read: (s) => flag(s.guard.alive) },
  {
    name: 'haagent_guard_armed',
    help: '1 while the guard holds a deadline.',
    read: (s) => flag(s.guard.armedTerm !== undefined),
  },
  { name: 'haagent_paused', help: '1 while the cluster is paused.', read: (s) => flag(s.settings.pause) },
  { name: 'haagent_store_reachable', help: '1 while etcd answers.', read: (s) => flag(s.storeTrouble === undefined) },
  {
    name: 'haagent_failover_candidates',
    help: 'Members that could lead now, besides the leader.',
    read: (s) => s.candidates.filter((c) => c.eligible).length,
  },
  {
    name: 'haagent_pending_restart',
    help: '1 where a parameter waits for a restart of the database.',
    read: (s) =>
      flag(
        s.database.kind === 'known' &&
          s.database.value.kind === 'running' &&
          s.database.value.pendingRestart.length > 0,
      ),
  },
];

const statusGauges = (
  registers: Registry[],
  status: () => AgentStatus | undefined,
  now: () => Instant | undefined,
): void => {
  for (const { name, help, read } of GAUGES) {
    const gauge: Gauge = new Gauge({
      name,
      help,
      labelNames: ['cluster', 'member'],
      registers,
      collect() {
        const [s, at] = [status(), now()];
        const value = s === undefined || at === undefined ? undefined : read(s, at);
        gauge.reset();
        if (s !== undefined && value !== undefined) gauge.set({ cluster: s.cluster, member: s.name }, value);
      },
    });
  }
};
