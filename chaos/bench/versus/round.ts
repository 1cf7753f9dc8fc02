import { loadavg } from 'node:os';
import { join } from 'node:path';
import { statSync } from 'node:fs';
import { createPostgresEngine } from '../../engines/postgres.ts';
import type { FaultName } from '../../faults/faults.ts';
import { createContainerLab, createPeerLab } from '../../lab/container-lab.ts';
import type { Images } from '../../lab/containers/engine.ts';
import type { Lab, System } from '../../lab/lab.ts';
import { pause } from '../../lab/wait.ts';
import { recordOf, type RunRecord } from '../../scenarios/report.ts';
import { runScenario } from '../../scenarios/scenario.ts';
import { availabilityOf, readJournal, type Availability } from './availability.ts';
import type { Comparison } from './comparisons.ts';
import { measureRest, type Rest } from './rest.ts';
import { peerParameters, readSettings, type Settings } from './parameters.ts';

/** One run of one scenario on one of the two systems. */
export interface Measured {
  readonly system: System;
  readonly record: RunRecord;
  readonly problems: readonly string[];
  readonly availability: Availability;
}

export interface RoundOptions {
  /** The same for all runs that are compared. */
  readonly images: Images;
  readonly comparison: Comparison;
  readonly scenarios: readonly FaultName[];
  /** Counted from 0; with `runs` it says at which moment of the agents' loops the fault comes. */
  readonly run: number;
  readonly runs: number;
  readonly signal: AbortSignal;
  readonly measured: (measured: Measured) => void;
  /** Called for each new cluster: the settings of its primary, and what it costs at rest (of the first one of a round). */
  readonly opened: (system: System, settings: Settings) => void;
  readonly rested: (system: System, rest: Rest) => void;
  readonly progress: (line: string) => void;
}

const START_MS = 120_000;
/** Starting is not resting. */
const SETTLE_MS = 8_000;
const REST_SECONDS = 15;
const WARM_UP_MS = 2_000;
/** What a cluster has beyond its ttl to take writes again, and then to be whole again. */
const HEAL_MS = 90_000;
const BEFORE_MS = 2_000;
const AFTER_MS = 5_000;
/** etcd is back after this long: the peer's promise for its failsafe mode is measured as it was before. */
const ETCD_PAUSED_MS = 30_000;

const openLab = (system: System, { comparison, images }: RoundOptions): Promise<Lab> => {
  const hosts = { members: 3, etcd: 3, restartAfterMs: 100, images } as const;
  return system === 'haagent'
    ? createContainerLab({ ...hosts, ttlMs: comparison.ours.ttlMs })
    : createPeerLab({ ...hosts, settings: { ...comparison.peer, parameters: peerParameters } });
};

/** The fault comes at another moment of the loop in every run, spread evenly over the longest loop of the two. */
const phaseMs = ({ comparison, run, runs }: RoundOptions): number =>
  ((run + 0.5) / runs) * comparison.peer.loopWait * 1_000;

const measure = async (lab: Lab, scenario: FaultName, options: RoundOptions): Promise<Measured> => {
  const journal = join(lab.dir, 'writes.jsonl');
  const noted = statSync(journal, { throwIfNoEntry: false })?.size ?? 0;
  const report = await runScenario({
    lab,
    engine: createPostgresEngine(lab),
    scenario,
    warmUpMs: WARM_UP_MS + phaseMs(options),
    deadlineMs: lab.ttlMs + HEAL_MS,
    seed: options.run + 1,
    progress: (line) => options.progress(`${lab.system}: ${line}`),
    ...(scenario === 'etcd-all' ? { lastsMs: ETCD_PAUSED_MS } : {}),
  });
  const load = loadavg()[0] ?? 0;
  const afterMs = Math.max(report.gapProxyMs ?? 0, report.gapDirectMs ?? 0) + AFTER_MS;
  return {
    system: lab.system,
    record: recordOf(report, {
      mode: 'async',
      ttlMs: lab.ttlMs,
      peer: lab.system === 'haagent' ? null : lab.system,
      load,
    }),
    problems: report.problems,
    availability: availabilityOf(readJournal(journal, noted), report.faultAt, { beforeMs: BEFORE_MS, afterMs }),
  };
};

/**
 * Does every scenario once on a new cluster of one system, which is alone on the machine meanwhile. A scenario whose
 * cluster does not become whole again is reported, and the next has a new cluster.
 */
export const runRound = async (system: System, options: RoundOptions): Promise<void> => {
  let lab: Lab | undefined;
  const close = async (): Promise<void> => {
    const closing = lab;
    lab = undefined;
    await closing?.stop();
  };
  const interrupt = (): void => void close();
  options.signal.addEventListener('abort', interrupt);
  try {
    for (const scenario of options.scenarios) {
      options.signal.throwIfAborted();
      if (lab === undefined) {
        lab = await openLab(system, options);
        await lab.start();
        const primary = await lab.waitForHealthy({ deadlineMs: START_MS });
        options.opened(system, await readSettings(lab, primary));
        if (scenario === options.scenarios[0]) {
          await pause(SETTLE_MS);
          options.rested(system, await measureRest(lab, REST_SECONDS));
        }
      }
      const measured = await measure(lab, scenario, options);
      options.measured(measured);
      if (!measured.record.settled) await close();
    }
  } finally {
    options.signal.removeEventListener('abort', interrupt);
    await close();
  }
};
