import type { Lab } from '../lab/lab.ts';
import type { Undo } from './fault.ts';

/** Cuts one host off from others, in both directions. Undone, every cut of the lab is healed. */
export const cutOff = async (lab: Lab, host: string, others: readonly string[]): Promise<Undo> => {
  await lab.cut([host], others);
  await lab.cut(others, [host]);
  return () => lab.heal();
};
