import { wait, type Rule } from './rule.ts';

/** The last rule: it always holds. */
export const nothingRules: readonly Rule[] = [
  {
    id: 'member.nothing-to-do',
    why: 'no other rule holds',
    when: () => true,
    then: () => wait('look again'),
  },
];
