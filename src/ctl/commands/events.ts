import type { EventDocument } from '../access.ts';
import type { Register } from '../command.ts';
import { valueOf } from '../context.ts';
import type { Printer } from '../printer.ts';

/** `haagentctl events`: what an agent does, as it happens, until Ctrl-C. JSON and YAML: one document for each event. */
export const events: Register = (program, run) => {
  program
    .command('events')
    .description('show what an agent does, as it happens, until interrupted')
    .action(async (_options, command) =>
      run(command, async ({ access, io, print }) => {
        const show = (event: EventDocument): void => {
          if (print.format === 'json') io.out(`${JSON.stringify(event)}\n`);
          else if (print.format === 'yaml') {
            io.out('---\n');
            print.value(event, () => '');
          } else io.out(`${line(event, print)}\n`);
        };
        valueOf(await access.events(show, { timeoutMs: 45_000, signal: io.signal }));
        if (!io.signal.aborted) print.notice('The agent ended the stream.');
        return 0;
      }),
    );
};

const line = ({ at, level, event, message }: EventDocument, print: Printer): string => {
  const style = level === 'error' ? 'red' : level === 'warn' ? 'yellow' : 'dim';
  return `${print.paint('dim', at)} ${print.paint(style, event)} ${message}`;
};
