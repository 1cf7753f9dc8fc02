import type { Register } from '../command.ts';
import { howOf, report, type ChangeOptions } from '../context.ts';
import { changes } from '../options.ts';

/** `haagentctl pause` and `resume`: hands off, and hands on again. Neither needs a confirmation: each undoes the other. */
export const pause: Register = (program, run) => {
  for (const [name, wanted, text] of [
    ['pause', true, 'take the hands off: no automatic promotion, demotion, start or stop'],
    ['resume', false, 'end the pause'],
  ] as const) {
    const command = program.command(name).description(text);
    changes(command, { takesTime: false }).action(async (options: ChangeOptions) =>
      run(command, async (context) =>
        report(context, await context.access.operations.pause(wanted, howOf(context, options, false))),
      ),
    );
  }
};
