import { stringify } from 'yaml';
import type { Register } from '../command.ts';
import { valueOf } from '../context.ts';

/** `haagentctl status`: everything that one agent knows of itself and decided. */
export const status: Register = (program, run) => {
  program
    .command('status')
    .description("show everything that an agent knows and decided (this host's, or the one named with --agent)")
    .action(async (_options, command) =>
      run(command, async ({ access, call, print }) => {
        const value = valueOf(await access.status(call));
        print.value(value, () => stringify(value));
        return 0;
      }),
    );
};
