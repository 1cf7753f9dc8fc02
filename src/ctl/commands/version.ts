import { VERSION } from '../../version.ts';
import type { Register } from '../command.ts';
import { drawTable } from '../table.ts';

/** `haagentctl version`: its own, the agents' and the servers'. The members' are left out when the cluster cannot be reached. */
export const version: Register = (program, run) => {
  program
    .command('version')
    .description('show the versions of haagentctl, of the agents and of the servers')
    .action(async (_options, command) =>
      run(command, async ({ access, call, print }) => {
        const answer = await access.members(call);
        const members = answer.kind === 'ok' ? answer.value : [];
        const value = {
          haagentctl: VERSION,
          members: members.map(({ name, version: agent, server_version: server }) => ({ name, agent, server })),
        };
        if (answer.kind === 'refused') print.warning(answer.message);
        print.value(value, () =>
          [
            `haagentctl ${VERSION}`,
            ...(members.length === 0
              ? []
              : [
                  drawTable(
                    'Members',
                    ['Member', 'Agent', 'Server'],
                    value.members.map(({ name, agent, server }) => [name, agent, server]),
                  ),
                ]),
          ].join('\n'),
        );
        return 0;
      }),
    );
};
