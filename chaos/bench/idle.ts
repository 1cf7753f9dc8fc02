import { loadavg } from 'node:os';
import { pause } from '../lab/wait.ts';
import { createLab } from '../lab/process-lab.ts';
import type { Lab } from '../lab/lab.ts';
import { cpuMs, memoryMib, type Memory } from './cost.ts';
import { table } from '../table.ts';

export interface IdleBenchOptions {
  readonly seconds: number;
  readonly ttlMs: number;
  readonly signal: AbortSignal;
}

interface Cost {
  readonly member: string;
  readonly leads: boolean;
  /** Share of one core, in per cent. */
  readonly agentCpu: number;
  readonly guardCpu: number;
  readonly agent: Memory;
  readonly guard: Memory;
}

/** Start-up is not idleness: code is compiled, settings are applied, the proxy's checks slow down. */
const SETTLE_MS = 60_000;

const pidOf = (lab: Lab, name: string, part: 'agent' | 'guard'): number => {
  const [proc] = lab.processes(name, part);
  if (proc === undefined) throw new Error(`${name} has no ${part} process`);
  return proc.pid;
};

const round = (value: number): number => Math.round(value * 100) / 100;

/** How often each key below the cluster's prefix was written; heartbeats of all terms count as one. */
const countWrites = (lab: Lab): { readonly writes: ReadonlyMap<string, number>; readonly end: () => Promise<void> } => {
  const writes = new Map<string, number>();
  const ending = new AbortController();
  const watching = lab.etcd.client.watch(
    '/',
    (key) => {
      const name = key.slice(key.indexOf(`/${lab.cluster}/`) + lab.cluster.length + 2);
      writes.set(name, (writes.get(name) ?? 0) + 1);
    },
    ending.signal,
  );
  return {
    writes,
    end: async () => {
      ending.abort();
      await watching;
    },
  };
};

interface Seen {
  readonly costs: readonly Cost[];
  /** A minute. */
  readonly revisions: number;
  readonly writes: ReadonlyMap<string, number>;
}

/** Measures what agent, guard and etcd cost while nothing happens but heartbeats and HAProxy's checks. */
const measure = async (lab: Lab, seconds: number): Promise<Seen> => {
  const leader = await lab.leader();
  const before = lab.members.map(({ name }) => {
    const agent = pidOf(lab, name, 'agent');
    const guard = pidOf(lab, name, 'guard');
    return { name, agent, guard, agentMs: cpuMs(agent), guardMs: cpuMs(guard) };
  });
  const counting = countWrites(lab);
  const first = await lab.etcd.client.range('/');
  const begun = performance.now();
  await pause(seconds * 1_000);
  const tookMs = performance.now() - begun;
  const last = await lab.etcd.client.range('/');
  await counting.end();
  const share = (usedMs: number): number => round((usedMs / tookMs) * 100);
  return {
    writes: counting.writes,
    revisions: round(((last.revision - first.revision) * 60_000) / tookMs),
    costs: before.map(({ name, agent, guard, agentMs, guardMs }) => ({
      member: name,
      leads: name === leader,
      agentCpu: share(cpuMs(agent) - agentMs),
      guardCpu: share(cpuMs(guard) - guardMs),
      agent: memoryMib(agent),
      guard: memoryMib(guard),
    })),
  };
};

const HEADINGS = [
  'member',
  'agent %',
  'guard %',
  'sum %',
  'agent MiB',
  'guard MiB',
  'sum MiB',
  'sum MiB (pss)',
] as const;

const lineOf = ({ member, leads, agentCpu, guardCpu, agent, guard }: Cost) => ({
  member,
  leads,
  agentCpu,
  guardCpu,
  sumCpu: round(agentCpu + guardCpu),
  agentMib: Math.round(agent.rss),
  guardMib: Math.round(guard.rss),
  sumMib: Math.round(agent.rss + guard.rss),
  sumPssMib: Math.round(agent.pss + guard.pss),
});

/** Starts a cluster, lets it rest and measures. Returns whether it keeps within what is promised. */
export const benchIdle = async (options: IdleBenchOptions): Promise<boolean> => {
  const lab = await createLab({ engine: 'postgres', members: 3, ttlMs: options.ttlMs });
  const interrupt = (): void => void lab.stop();
  options.signal.addEventListener('abort', interrupt);
  try {
    options.signal.throwIfAborted();
    await lab.start();
    await lab.waitForHealthy({ deadlineMs: 120_000 });
    await pause(SETTLE_MS);
    const { costs, revisions, writes } = await measure(lab, options.seconds);
    for (const cost of costs)
      console.log(JSON.stringify({ bench: 'idle', ttl: options.ttlMs / 1_000, ...lineOf(cost) }));
    console.log(
      JSON.stringify({ bench: 'idle', ttl: options.ttlMs / 1_000, revisionsPerMinute: revisions, load: loadavg()[0] }),
    );
    const rows = costs.map((cost) => {
      const { member, leads, ...rest } = lineOf(cost);
      return [leads ? `${member} (primary)` : member, ...Object.values(rest)];
    });
    console.log(`\n${table(HEADINGS, rows)}`);
    console.log(
      '% of one core; MiB: resident with shared pages counted in full (pss: each divided among those that share it)',
    );
    const named = [...writes].map(([key, count]) => `${key} ${count}`).join(', ');
    console.log(`${revisions} etcd revisions a minute for the whole cluster; written: ${named}`);
    return (
      revisions <= 30 &&
      costs.every((cost) => cost.agentCpu + cost.guardCpu < 1 && cost.agent.rss + cost.guard.rss < 160)
    );
  } finally {
    options.signal.removeEventListener('abort', interrupt);
    await lab.stop();
  }
};
