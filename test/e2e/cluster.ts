import { afterAll, beforeAll, onTestFailed } from 'vitest';
import type { Lab, LabOptions } from '../../chaos/lab/lab.ts';
import { createLab } from '../../chaos/lab/process-lab.ts';

/** A cluster for the tests of one file: made before them, ended and removed after them. */
export const useLab = (options: LabOptions): { readonly lab: Lab } => {
  const holder: { lab: Lab | undefined } = { lab: undefined };
  beforeAll(async () => {
    holder.lab = await createLab(options);
  });
  afterAll(async () => {
    await holder.lab?.stop();
  });
  return {
    get lab() {
      if (holder.lab === undefined) throw new Error('the lab is there only within tests');
      return holder.lab;
    },
  };
};

/** Prints the end of every log when the running test fails. */
export const showLogsOnFailure = (lab: Lab): void => {
  onTestFailed(() => console.log(lab.logTail(40)));
};
