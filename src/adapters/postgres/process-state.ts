import { readFile } from 'node:fs/promises';

/** What the kernel tells of a process, beyond what it is. */
export interface ProcessState {
  /** A SIGHUP was sent to it that it has not taken yet. */
  readonly reloadPending: boolean;
  /** It waits for something. */
  readonly sleeping: boolean;
}

const SIGHUP_BIT = 1n;

/** Parses /proc/<pid>/status; `undefined` where it lacks what is asked. */
export const parseProcessState = (text: string): ProcessState | undefined => {
  const field = (name: string): string | undefined => new RegExp(`^${name}:\\s*(\\S+)`, 'm').exec(text)?.[1];
  const state = field('State');
  const masks = [field('SigPnd'), field('ShdPnd')];
  if (state === undefined || masks.some((mask) => mask === undefined || !/^[0-9a-f]+$/i.test(mask))) return undefined;
  return {
    reloadPending: masks.some((mask) => (BigInt(`0x${mask}`) & SIGHUP_BIT) !== 0n),
    sleeping: state === 'S',
  };
};

/** `undefined` where there is no such process. */
export const processState = async (pid: number): Promise<ProcessState | undefined> =>
  parseProcessState(await readFile(`/proc/${pid}/status`, 'latin1').catch(() => ''));
