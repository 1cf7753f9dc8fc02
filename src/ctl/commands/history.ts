import type { Register } from '../command.ts';
import { valueOf } from '../context.ts';
import { drawTable } from '../table.ts';

/** `haagentctl history`: who led when, and why it changed. */
export const history: Register = (program, run) => {
  program
    .command('history')
    .description('show who led when, and why it changed')
    .action(async (_options, command) =>
      run(command, async ({ access, call, print }) => {
        const terms = valueOf(await access.history(call));
        print.value(terms, () =>
          drawTable(
            'History',
            ['Term', 'TL', 'Leader', 'Since', 'How', 'Log before ended at', 'Reason'],
            terms.map(({ term, generation, member, at, how, ended, reason }) => [
              String(term),
              String(generation),
              member,
              at,
              how,
              ended?.text ?? '',
              reason,
            ]),
            { right: ['Term', 'TL'] },
          ),
        );
        return 0;
      }),
    );
};
