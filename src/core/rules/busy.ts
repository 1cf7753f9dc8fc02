import type { Task } from '../memory.ts';
import { wait, type Rule } from './rule.ts';

/** Tasks that change the database so much that nothing else is decided while one runs. */
const EXCLUSIVE: readonly Task['kind'][] = [
  'initialize',
  'clone',
  'rewind',
  'start',
  'restart',
  'stop',
  'promote',
  'follow',
  'fence',
];

export const busyRules: readonly Rule[] = [
  {
    id: 'member.busy',
    why: 'a long action on the database is under way: its end is waited for, while the right goes on being proven',
    quiet: true,
    when: (s) => s.m.task !== undefined && EXCLUSIVE.includes(s.m.task.task.kind),
    then: (s) => wait(`decide when the ${s.m.task?.task.kind} has ended`),
  },
];
