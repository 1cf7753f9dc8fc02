import type { Lab } from '../../lab/lab.ts';
import { findProc, type Proc } from '../../lab/proc.ts';
import { pause } from '../../lab/wait.ts';
import { cpuMs, memoryMib } from '../cost.ts';

/** What a resting cluster costs besides its databases, with HAProxy's checks. */
export interface Rest {
  /** Agent and guard of the leader: share of one core in per cent, and resident memory in MiB. */
  readonly leaderCpu: number;
  readonly leaderMib: number;
  /** The same for the replica that takes more. */
  readonly replicaCpu: number;
  readonly replicaMib: number;
  /** etcd revisions a minute, for the whole cluster. */
  readonly revisions: number;
}

const round = (value: number): number => Math.round(value * 100) / 100;

const programs = (lab: Lab, name: string): readonly Proc[] => [
  ...lab.processes(name, 'agent'),
  ...lab.processes(name, 'guard'),
];

const isStill = ({ pid, startTime }: Proc): boolean => findProc(pid)?.startTime === startTime;

/** Lets a healthy cluster rest for so long and measures. */
export const measureRest = async (lab: Lab, seconds: number): Promise<Rest> => {
  const leader = await lab.leader();
  const before = lab.members.map(({ name }) => ({
    leads: name === leader,
    used: programs(lab, name).map((proc) => ({ proc, ms: cpuMs(proc.pid) })),
  }));
  const first = await lab.etcd.client.range('/');
  const begun = performance.now();
  await pause(seconds * 1_000);
  const tookMs = performance.now() - begun;
  const last = await lab.etcd.client.range('/');
  const costs = before.map(({ leads, used }) => {
    const living = used.filter(({ proc }) => isStill(proc));
    const usedMs = living.reduce((sum, { proc, ms }) => sum + cpuMs(proc.pid) - ms, 0);
    return {
      leads,
      cpu: round((usedMs / tookMs) * 100),
      mib: Math.round(living.reduce((sum, { proc }) => sum + memoryMib(proc.pid).rss, 0)),
    };
  });
  const most = (leads: boolean, of: (cost: { cpu: number; mib: number }) => number): number =>
    Math.max(0, ...costs.filter((cost) => cost.leads === leads).map(of));
  return {
    leaderCpu: most(true, ({ cpu }) => cpu),
    leaderMib: most(true, ({ mib }) => mib),
    replicaCpu: most(false, ({ cpu }) => cpu),
    replicaMib: most(false, ({ mib }) => mib),
    revisions: round(((last.revision - first.revision) * 60_000) / tookMs),
  };
};
