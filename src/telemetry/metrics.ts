import { Counter, Gauge, Histogram, Registry } from 'prom-client';
import type { Instant } from '../core/instant.ts';
import type { HistoryEntry } from '../core/model.ts';
import type { Clearance } from '../core/reign.ts';
import type { AgentStatus } from '../core/status.ts';
import { STATUS_GAUGES } from './gauges.ts';

/** The steps from losing one leader to having the next one open for clients. */
export type ChangePhase = 'find' | 'clear' | 'promote' | 'open' | 'total';

/** Metric names are here and in `gauges.ts` only; every one has a help text, label values come from unions. */
export interface Metrics {
  /** Fills the gauges when the text is asked for. */
  useStatus(status: () => AgentStatus | undefined, now: () => Instant): void;
  loop(tookMs: number): void;
  storeCall(what: 'leadership' | 'other', outcome: string, tookMs: number): void;
  databaseCall(tookMs: number): void;
  roleChange(to: string): void;
  decision(rule: string): void;
  task(kind: string, result: string): void;
  taskTook(kind: string, tookMs: number): void;
  fencing(by: 'agent' | 'guard'): void;
  /** One step of a change of leader, as the new leader saw it. */
  leaderChange(how: HistoryEntry['how'], phase: ChangePhase, tookMs: number): void;
  /** This member took over from a leader that was lost; how it came to know that the way was free. */
  failover(cause: Clearance): void;
  /** This member stopped leading; the rule that ended it. */
  demotion(reason: string): void;
  /** This member replicates again. */
  rejoin(how: 'follow' | 'rewind' | 'clone'): void;
  text(): Promise<string>;
}

const FAST = [0.0001, 0.0005, 0.001, 0.005, 0.01, 0.05, 0.1, 0.5, 1];
const CALL = [0.001, 0.005, 0.01, 0.05, 0.1, 0.25, 0.5, 1, 2, 5, 10];
const CHANGE = [0.05, 0.1, 0.2, 0.3, 0.5, 0.75, 1, 2, 3, 5, 10, 15, 30, 60, 300];
const TASK = [0.1, 0.5, 1, 5, 10, 30, 60, 300, 1800, 7200];

/** What is counted and timed. The reference page is made from this and from the gauges. */
export const INSTRUMENTS = {
  loop: {
    kind: 'histogram',
    name: 'haagent_loop_seconds',
    help: 'Time that one event took in the core.',
    labels: [],
    buckets: FAST,
  },
  store: {
    kind: 'histogram',
    name: 'haagent_store_call_seconds',
    help: 'Transactions with etcd, by what they are about and how they ended.',
    labels: ['what', 'outcome'],
    buckets: CALL,
  },
  database: {
    kind: 'histogram',
    name: 'haagent_database_call_seconds',
    help: 'Observations of the own database.',
    labels: [],
    buckets: CALL,
  },
  taskTime: {
    kind: 'histogram',
    name: 'haagent_task_seconds',
    help: 'How long actions on the database took.',
    labels: ['task'],
    buckets: TASK,
  },
  change: {
    kind: 'histogram',
    name: 'haagent_leader_change_seconds',
    help: 'Changes of leader as the new leader saw them. Phases: find (no leader until this member held the key), clear, promote, open (until clients may write), total.',
    labels: ['how', 'phase'],
    buckets: CHANGE,
  },
  roles: {
    kind: 'counter',
    name: 'haagent_role_changes_total',
    help: "Changes of the database's role.",
    labels: ['to'],
  },
  decisions: {
    kind: 'counter',
    name: 'haagent_decisions_total',
    help: 'Decisions that differed from the one before, by rule.',
    labels: ['rule'],
  },
  tasks: {
    kind: 'counter',
    name: 'haagent_tasks_total',
    help: 'Long actions on the database, by how they ended.',
    labels: ['task', 'result'],
  },
  fencings: {
    kind: 'counter',
    name: 'haagent_fencings_total',
    help: 'Times that the database was fenced.',
    labels: ['by'],
  },
  failovers: {
    kind: 'counter',
    name: 'haagent_failovers_total',
    help: 'Times that this member took over from a leader that was lost, by how its end was known.',
    labels: ['cause'],
  },
  demotions: {
    kind: 'counter',
    name: 'haagent_demotions_total',
    help: 'Times that this member stopped leading, by the rule that ended it.',
    labels: ['reason'],
  },
  rejoins: {
    kind: 'counter',
    name: 'haagent_rejoins_total',
    help: 'Times that this member came to replicate again, by how.',
    labels: ['how'],
  },
} as const;

type Instruments = typeof INSTRUMENTS;
type Named<K extends 'counter' | 'histogram'> = {
  [N in keyof Instruments]: Instruments[N] extends { readonly kind: K } ? N : never;
}[keyof Instruments];

/** Metrics in a registry of their own. Nothing is shared between two of them. */
export const createMetrics = (): Metrics => {
  const registry = new Registry();
  const registers = [registry];
  const counter = (name: Named<'counter'>): Counter => {
    const { name: full, help, labels } = INSTRUMENTS[name];
    return new Counter({ name: full, help, labelNames: [...labels], registers });
  };
  const histogram = (name: Named<'histogram'>): Histogram => {
    const { name: full, help, labels, buckets } = INSTRUMENTS[name];
    return new Histogram({ name: full, help, labelNames: [...labels], buckets: [...buckets], registers });
  };
  const [loop, store, database] = [histogram('loop'), histogram('store'), histogram('database')];
  const [taskTime, change] = [histogram('taskTime'), histogram('change')];
  const [roles, decisions, tasks] = [counter('roles'), counter('decisions'), counter('tasks')];
  const [fencings, failovers] = [counter('fencings'), counter('failovers')];
  const [demotions, rejoins] = [counter('demotions'), counter('rejoins')];
  let source: { readonly status: () => AgentStatus | undefined; readonly now: () => Instant } | undefined;
  addStatusGauges(registers, () => {
    const status = source?.status();
    return source === undefined || status === undefined ? undefined : { status, now: source.now() };
  });
  return {
    useStatus: (status, now) => {
      source = { status, now };
    },
    loop: (tookMs) => loop.observe(tookMs / 1000),
    storeCall: (what, outcome, tookMs) => store.observe({ what, outcome }, tookMs / 1000),
    databaseCall: (tookMs) => database.observe(tookMs / 1000),
    roleChange: (to) => roles.inc({ to }),
    decision: (rule) => decisions.inc({ rule }),
    task: (task, result) => tasks.inc({ task, result }),
    taskTook: (task, tookMs) => taskTime.observe({ task }, tookMs / 1000),
    fencing: (by) => fencings.inc({ by }),
    leaderChange: (how, phase, tookMs) => change.observe({ how, phase }, tookMs / 1000),
    failover: (cause) => failovers.inc({ cause }),
    demotion: (reason) => demotions.inc({ reason }),
    rejoin: (how) => rejoins.inc({ how }),
    text: async () => registry.metrics(),
  };
};

const addStatusGauges = (
  registers: Registry[],
  look: () => { readonly status: AgentStatus; readonly now: Instant } | undefined,
): void => {
  for (const { name, help, labels, read } of STATUS_GAUGES) {
    const gauge: Gauge = new Gauge({
      name,
      help,
      labelNames: ['cluster', 'member', ...labels],
      registers,
      collect() {
        gauge.reset();
        const seen = look();
        if (seen === undefined) return;
        const { cluster, name: member } = seen.status;
        for (const sample of read(seen.status, seen.now))
          gauge.set({ cluster, member, ...sample.labels }, sample.value);
      },
    });
  }
};
