import { rules } from '../../src/core/rules.ts';
import { code, table } from './markdown.ts';

/** The decision table, in the order in which the rules are tried. */
export const rulesPage = (): string => `# Rules

Every decision of the agent is the first rule of this table that holds. Its id stands in the log (\`rule\`), in the events, in the
metric \`haagent_decisions_total\` and in what \`haagentctl why\` prints. Ids in brackets name a rule of the protocol (D), an invariant
(I) or a counterexample that forced it (A, B, C). The lease keeper, which proves a leader's right by heartbeats, runs at every event,
whatever the rules decide.

${table(
  ['', 'rule', 'why'],
  rules.map(({ id, why }, index) => [String(index + 1), code(id), why]),
)}
`;
