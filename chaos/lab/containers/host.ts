import { isDeepStrictEqual } from 'node:util';
import { applyFilter, type Filter } from './cuts.ts';
import type { ContainerSpec, Docker } from './docker.ts';

/** A container that stands for a host: it can be switched off and on, held, and cut off. */
export interface ContainerHost {
  readonly name: string;
  readonly address: string;
  /** Switches it on, also for the first time; nothing when it runs. */
  start(): Promise<void>;
  /** Loss of the host: every process of it is gone at once, its directories stay. */
  kill(): Promise<void>;
  freeze(): Promise<void>;
  thaw(): Promise<void>;
  /** What it drops from now on, also after it was switched off and on. */
  filter(filter: Filter): Promise<void>;
}

const NOTHING: Filter = { notFrom: [], notTo: [] };

/** Prepares a host; the container is made when it is first switched on. */
export const createContainerHost = (docker: Docker, spec: ContainerSpec): ContainerHost => {
  let id: Promise<string> | undefined;
  let wanted = NOTHING;
  let frozen = false;

  const apply = async (): Promise<void> => {
    if (id === undefined) return;
    const pid = await docker.pid(await id);
    if (pid !== undefined) await applyFilter(pid, wanted);
  };
  const made = (): Promise<string> => {
    if (id === undefined) throw new Error(`the host ${spec.hostname} was never started`);
    return id;
  };
  return {
    name: spec.hostname,
    address: spec.address,
    start: async () => {
      id ??= docker.create(spec);
      await docker.start(await id);
      frozen = false;
      if (wanted !== NOTHING) await apply();
    },
    kill: async () => {
      frozen = false;
      await docker.kill(await made());
    },
    freeze: async () => {
      if (frozen) return;
      await docker.pause(await made());
      frozen = true;
    },
    thaw: async () => {
      if (!frozen) return;
      await docker.unpause(await made());
      frozen = false;
    },
    filter: async (filter) => {
      if (isDeepStrictEqual(filter, wanted)) return;
      wanted = filter;
      await apply();
    },
  };
};
