import type { Command } from 'commander';
import { createProgram } from '../../src/ctl/program.ts';
import { code, table } from './markdown.ts';

/** haagentctl: every command with its arguments and options, from the program itself. */
export const haagentctlPage = (): string => {
  const program = createProgram({ out: () => undefined, err: () => undefined }, async () => undefined);
  return `# haagentctl

Shows and changes a cluster. It records wishes in etcd; the agents carry them out. It works with only etcd reachable, and with only
one agent reachable.

## How it reaches the cluster

1. \`--agent URL[,URL…]\`: the first of these agents that answers.
2. \`--etcd URL[,URL…] --cluster NAME\`: etcd alone.
3. \`--config FILE\`, \`HAAGENT_CONFIG\` or /etc/haagent/haagent.yml: etcd as that file says; where etcd does not answer, reads come
   from the agent of this host.
4. Otherwise the agent at http://127.0.0.1:8010.

What only an agent knows (\`status\`, \`events\`, the decision in \`why\`) or can do (\`reload\`) needs one. To change something
through an agent, give the account of \`api.control\`: \`--user NAME\` with \`HAAGENTCTL_PASSWORD\` or \`--password-file\`; a password is
never an argument. With a configuration file its own account is used.

${options(program)}

## Habits

- Results go to standard output, messages (NOTICE, WARNING, ERROR, DETAIL, HINT) and progress to standard error. \`-o json\` and
  \`-o yaml\` print the same result for programs. Colours only on a terminal; \`NO_COLOR\` is respected.
- Exit codes: 0 done, 1 refused or failed, 2 not understood, 3 not done in time (it may still come).
- \`--dry-run\` says what would be done and why not; nothing is changed. Exit code 1 and NOT PROVEN: it would be tried, but the
  candidate's agent could not be asked from here, so it may yet be refused.
- Switchover, failover and restart wait for their outcome unless \`--no-wait\` is given; reinit returns at once unless \`--wait\` is given. Ctrl-C ends the
  waiting, not the request.
- Where data can be lost, a name has to be typed (or given with \`--confirm\`); \`--yes\` is not enough.
- \`--idempotency-key KEY\`: the same key twice is the same request, for scripts that try again.
- A switchover is always from the leader that was seen when it was asked for: when another member leads by then, it ends without effect.

## Commands

${program.commands
  .flatMap((command) => (command.commands.length === 0 ? [command] : command.commands))
  .map(section)
  .join('\n\n')}

## Load balancer

\`haagentctl haproxy-config > /etc/haproxy/haproxy.cfg\` writes a complete HAProxy configuration for the members of now: port 5000 for
writes (asks \`/primary\`), port 5001 for reads (asks \`/replica\`). Write it again when a member is added or removed.
`;
};

const section = (command: Command): string =>
  [`### haagentctl ${nameOf(command)}`, `${sentence(command.description())}.`, options(command)]
    .filter((part) => part !== '')
    .join('\n\n');

const nameOf = (command: Command): string => {
  const group = command.parent?.parent === null || command.parent === null ? '' : `${command.parent.name()} `;
  const args = command.registeredArguments.map((argument) => {
    const name = `${argument.name()}${argument.variadic ? '…' : ''}`;
    return argument.required ? ` ${name.toUpperCase()}` : ` [${name.toUpperCase()}]`;
  });
  return `${group}${command.name()}${args.join('')}`;
};

const options = (command: Command): string =>
  command.options.length === 0
    ? ''
    : table(
        ['option', 'what'],
        command.options.map((option) => [
          code(option.flags),
          optionText(option.description, option.argChoices, option.defaultValueDescription),
        ]),
      );

const optionText = (description: string, choices: readonly string[] | undefined, given: string | undefined): string =>
  [
    description,
    choices === undefined ? '' : `(${choices.join(', ')})`,
    given === undefined ? '' : `(default: ${given})`,
  ]
    .filter((part) => part !== '')
    .join(' ');

const sentence = (text: string): string => text.charAt(0).toUpperCase() + text.slice(1);
