import type { MemberName } from '../../core/brand.ts';
import type { Register } from '../command.ts';
import { valueOf } from '../context.ts';
import type { WhyDocument } from '../documents.ts';
import { member } from '../options.ts';
import { candidateLine, type Printer } from '../printer.ts';

/** `haagentctl why [member]`: what the agent decided and why, and for each member why it can or cannot lead. */
export const why: Register = (program, run) => {
  program
    .command('why')
    .description('explain the decision in force, and why each member can or cannot lead')
    .argument('[member]', 'only this member', member)
    .action(async (name: MemberName | undefined, _options, command) =>
      run(command, async ({ access, call, print }) => {
        const value = valueOf(await access.why(name, call));
        print.value(value, () => explanation(value, print));
        return 0;
      }),
    );
};

const failsafeLines = (failsafe: WhyDocument['failsafe']): readonly string[] => {
  if (failsafe === undefined) return [];
  return [
    ...(failsafe.active_since === undefined
      ? []
      : [`Without etcd since ${failsafe.active_since}: the right rests on the promises of the other members.`]),
    ...failsafe.refusals.map((refusal) => `  no promise of ${refusal}`),
  ];
};

const explanation = (value: WhyDocument, print: Printer): string => {
  const { decision, asked, task } = value;
  return [
    `Cluster ${value.cluster}: ${value.leader === undefined ? 'nobody holds the leader key' : `${value.leader} holds the leader key`}`,
    ...(decision === undefined
      ? ['No agent was asked: what follows is from etcd alone.']
      : [
          `Decision of ${asked ?? 'the agent'} since ${decision.since}: ${print.paint('bold', decision.rule)}`,
          `  ${decision.why}`,
          ...decision.reasons.map((reason) => `  - ${reason}`),
          ...(decision.next === '' ? [] : [`  Next: ${decision.next}`]),
        ]),
    ...(task === undefined
      ? []
      : [`Under way since ${task.since}: ${task.name}${task.detail === '' ? '' : ` (${task.detail})`}`]),
    ...(value.store_trouble === undefined ? [] : [print.paint('red', `etcd: ${value.store_trouble}`)]),
    ...failsafeLines(value.failsafe),
    'Candidates:',
    ...value.candidates.flatMap((report) => [
      `  ${print.paint(report.eligible ? 'green' : 'yellow', candidateLine({ ...report, reasons: [] }))}`,
      ...report.reasons.map(({ text, blocks }) => `    ${blocks ? '-' : ' '} ${text}`),
    ]),
    ...(value.problems.length === 0
      ? []
      : ['Keys in etcd that cannot be understood:', ...value.problems.map((p) => `  ${p}`)]),
  ].join('\n');
};
