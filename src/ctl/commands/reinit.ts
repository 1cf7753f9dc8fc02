import type { MemberName } from '../../core/brand.ts';
import type { Register } from '../command.ts';
import { confirmTyped, howOf, report, type ChangeOptions } from '../context.ts';
import { changes, member } from '../options.ts';

interface Options extends ChangeOptions {
  readonly fromLeader?: boolean;
  readonly force?: boolean;
  readonly confirm?: string;
}

/** `haagentctl reinit`: replaces a member's data by a fresh copy. */
export const reinit: Register = (program, run) => {
  const command = program
    .command('reinit')
    .description("replace a member's data by a fresh copy of another member's")
    .argument('<member>', 'whose data', member)
    .option('--from-leader', 'copy from the leader, not from a replica')
    .option('--force', 'also when another reinitialization of it is recorded')
    .option('--confirm <member>', 'name of the member, instead of typing it');
  changes(command, { takesTime: true }).action(async (name: MemberName, options: Options) =>
    run(command, async (context) => {
      await confirmTyped(context, options, `ALL DATA OF ${name} will be replaced by a copy.`, name);
      const { operations } = context.access;
      const how = howOf(context, options, false);
      if (options.force === true) {
        const withdrawn = await operations.cancel('reinitialize', name, how);
        if (withdrawn.kind === 'refused' && withdrawn.code !== 'not-found') return report(context, withdrawn);
      }
      const request = { member: name, fromLeader: options.fromLeader ?? false };
      return report(context, await operations.reinitialize(request, how));
    }),
  );
};
