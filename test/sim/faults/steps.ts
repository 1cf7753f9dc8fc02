import type { Effect, Purpose, Task } from '../../../src/core/memory.ts';

/** A step of an agent at which a fault can be aimed: it sends this transaction, or begins this task. */
export type Step = Purpose['kind'] | Task['kind'];

/** Those that send something to etcd. */
export const SENDS: readonly Step[] = ['heartbeat', 'lead', 'release', 'hand-over', 'fenced', 'initialize', 'member'];

export const STEPS: readonly Step[] = [
  ...SENDS,
  'clone',
  'start',
  'stop',
  'fence',
  'promote',
  'barrier',
  'follow',
  'rewind',
];

/** This effect is that step. */
export const isStep = (effect: Effect, step: Step, purposeOf: (flight: number) => Step | undefined): boolean =>
  (effect.kind === 'run' && effect.task.kind === step) ||
  (effect.kind === 'transact' && purposeOf(effect.flight) === step);
