import { busyRules } from './rules/busy.ts';
import { bootstrapRules } from './rules/bootstrap.ts';
import { electionRules } from './rules/election.ts';
import { dutyRules, handoverRules } from './rules/handover-rules.ts';
import { leaderRules, openingRules, stoppingRules } from './rules/leader.ts';
import { nothingRules } from './rules/nothing.ts';
import { pledgeRules } from './rules/pledge.ts';
import type { Decision, Rule } from './rules/rule.ts';
import { safetyRules } from './rules/safety.ts';
import { followerRules, intentRules, upkeepRules } from './rules/upkeep.ts';
import { failingRules } from './rules/failing.ts';
import type { Snapshot } from './snapshot.ts';

/** All rules in the order in which they are tried: the first one that holds decides. The table in the docs is this one. */
export const rules: readonly Rule[] = [
  ...safetyRules,
  ...handoverRules,
  ...pledgeRules,
  ...busyRules,
  ...stoppingRules,
  ...leaderRules,
  ...failingRules,
  ...openingRules,
  ...intentRules,
  ...dutyRules,
  ...bootstrapRules,
  ...followerRules,
  ...electionRules.slice(0, -1),
  ...upkeepRules,
  ...electionRules.slice(-1),
  ...nothingRules,
];

/** The first rule that holds, and what it wants. Pure; total: the last rule always holds. */
export const decide = (s: Snapshot): { readonly rule: Rule; readonly decision: Decision } => {
  const rule = rules.find((each) => each.when(s));
  if (rule === undefined) throw new Error('unreachable: the last rule always holds');
  return { rule, decision: rule.then(s) };
};
