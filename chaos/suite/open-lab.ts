import { createContainerLab } from '../lab/container-lab.ts';
import { findFaketime } from '../lab/host-clock.ts';
import type { Lab } from '../lab/lab.ts';
import type { EngineName } from '../lab/server.ts';
import { whyNoNetwork } from '../lab/network.ts';
import { createLab } from '../lab/process-lab.ts';
import { whyNoVolumes } from '../lab/volumes.ts';

const QUOTA_BYTES = 16 * 1024 ** 2;
const START_MS = 120_000;

export type LabKind = 'process' | 'container';

export interface LabChoice {
  readonly lab: LabKind;
  readonly engine: EngineName;
  readonly mode: string;
  readonly ttlMs: number;
  readonly signal: AbortSignal;
}

const makeLab = async ({ lab, engine, mode, ttlMs }: LabChoice): Promise<Lab> => {
  const common = { members: 3, etcd: 3, ttlMs, restartAfterMs: 100, settings: { replication: { mode } } } as const;
  if (lab === 'container') return createContainerLab(common);
  return createLab({
    ...common,
    engine,
    network: (await whyNoNetwork()) === undefined,
    volumes: (await whyNoVolumes()) === undefined,
    clock: findFaketime() !== undefined,
    // Archives are those of PostgreSQL.
    archive: engine === 'postgres',
    etcdQuotaBytes: QUOTA_BYTES,
  });
};

/** Starts a cluster of three that can be broken in every way that this machine allows. */
export const openLab = async (options: LabChoice): Promise<Lab> => {
  const lab = await makeLab(options);
  const interrupt = (): void => void lab.stop();
  options.signal.addEventListener('abort', interrupt, { once: true });
  try {
    options.signal.throwIfAborted();
    await lab.start();
    await lab.waitForHealthy({ deadlineMs: START_MS });
    return lab;
  } catch (error) {
    await lab.stop();
    throw error;
  } finally {
    options.signal.removeEventListener('abort', interrupt);
  }
};
