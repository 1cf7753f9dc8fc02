import type { Register } from '../command.ts';
import { valueOf } from '../context.ts';
import type { TermDocument } from '../../state/history-lines.ts';
import { drawTable } from '../table.ts';

type Dropped = NonNullable<TermDocument['dropped']>[number];

const sentence = (dropped: Dropped): string =>
  `${dropped.member} dropped ${dropped.commits} commits (${dropped.bytes} bytes from ${dropped.from} on, kept in ${dropped.folder})`;

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
            ['Term', 'TL', 'Leader', 'Since', 'How', 'Log before ended at', 'Lost', 'Reason'],
            terms.map(({ term, generation, member, at, how, ended, loss, dropped, reason }) => [
              String(term),
              String(generation),
              member,
              at,
              how,
              ended?.text ?? '',
              [loss ?? '', ...(dropped ?? []).map(sentence)].filter((part) => part !== '').join('; '),
              reason,
            ]),
            { right: ['Term', 'TL'] },
          ),
        );
        return 0;
      }),
    );
};
