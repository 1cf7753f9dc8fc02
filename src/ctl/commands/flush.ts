import { Argument } from 'commander';
import type { MemberName } from '../../core/brand.ts';
import type { Withdrawable } from '../../ports/operations.ts';
import type { Register } from '../command.ts';
import { confirm, howOf, report, usageError, type ChangeOptions } from '../context.ts';
import { changes, member } from '../options.ts';

const KINDS = { switchover: 'switchover', restart: 'restart', failover: 'failover', reinit: 'reinitialize' } as const;

/** `haagentctl flush`: withdraws what was scheduled or recorded and has not begun. */
export const flush: Register = (program, run) => {
  const command = program
    .command('flush')
    .description('withdraw what was scheduled and has not begun')
    .addArgument(new Argument('<what>', 'what to withdraw').choices(Object.keys(KINDS)))
    .argument('[member]', 'of this member (restart, reinit)', member);
  changes(command, { takesTime: false }).action(
    async (what: keyof typeof KINDS, name: MemberName | undefined, options: ChangeOptions) =>
      run(command, async (context) => {
        const kind: Withdrawable = KINDS[what];
        if (name === undefined && (kind === 'restart' || kind === 'reinitialize'))
          throw usageError(`A ${what} is withdrawn for a member.`, `Name it: haagentctl flush ${what} MEMBER.`);
        await confirm(context, options, `Withdraw the ${what}${name === undefined ? '' : ` of ${name}`}?`);
        return report(context, await context.access.operations.cancel(kind, name, howOf(context, options, false)));
      }),
  );
};
