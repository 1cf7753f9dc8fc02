import { access, realpath } from 'node:fs/promises';
import { dirname, basename, join } from 'node:path';
import { ms } from '../core/brand.ts';
import type { Clock } from '../ports/clock.ts';
import type { GuardTarget } from '../ports/guard.ts';
import type { ProcessTable } from '../ports/processes.ts';
import type { Observation } from './state.ts';

/** A disk that does not say within this time whether the mark is there is taken to say no: a primary must not go unseen. */
const MARK_TIMEOUT = ms(5_000);

/** Looks at what runs in the data directory. Never blocks: files are asked for in the background, one question at a time. */
export interface Probe {
  look(purpose: 'any' | 'primary'): Promise<Observation>;
  /** The data directory without symbolic links, as far as it is known. */
  dataDir(): string;
}

export const createProbe = ({
  clock,
  processes,
  target,
}: {
  readonly clock: Clock;
  readonly processes: ProcessTable;
  readonly target: GuardTarget;
}): Probe => {
  let dataDir = target.dataDir;
  let asking: Promise<boolean> | undefined;

  const askForMark = async (): Promise<boolean> => {
    dataDir = await resolved(target.dataDir);
    return access(target.replicaMark).then(
      () => true,
      () => false,
    );
  };
  const isMarked = async (): Promise<boolean> => {
    asking ??= askForMark().finally(() => (asking = undefined));
    let cancel = (): void => undefined;
    const late = new Promise<boolean>((resolve) => {
      cancel = clock.timer(MARK_TIMEOUT, () => resolve(false));
    });
    return Promise.race([asking, late]).finally(() => cancel());
  };

  return {
    dataDir: () => dataDir,
    look: async (purpose) => {
      const marked = await isMarked();
      if (marked && purpose === 'primary') return 'replica';
      if (processes.within(dataDir).length === 0) return 'none';
      return marked ? 'replica' : 'primary';
    },
  };
};

/** Also where the last part does not exist yet. */
const resolved = async (path: string): Promise<string> => {
  try {
    return await realpath(path);
  } catch {
    return realpath(dirname(path)).then(
      (parent) => join(parent, basename(path)),
      () => path,
    );
  }
};
