import type { MemberName } from '../../core/brand.ts';
import type { Register } from '../command.ts';
import { confirm, howOf, report, valueOf, type ChangeOptions } from '../context.ts';
import { changes, member } from '../options.ts';
import { scheduledAt } from '../schedule-option.ts';

interface Options extends ChangeOptions {
  readonly leader?: MemberName;
  readonly candidate?: MemberName;
  readonly scheduled?: string;
}

/** `haagentctl switchover`: a planned change of leader with nothing lost. */
export const switchover: Register = (program, run) => {
  const command = program
    .command('switchover')
    .description('change the leader, with nothing lost')
    .option('--leader <member>', 'refuse when another member leads', member)
    .option('--candidate <member>', 'who shall lead (default: the best member)', member)
    .option('--scheduled <time>', 'when, for instance 2026-01-31T04:00:00+01:00 (default: now)');
  changes(command, { takesTime: true }).action(async (options: Options) =>
    run(command, async (context) => {
      const at = scheduledAt(context, options.scheduled);
      const cluster = valueOf(await context.access.cluster(context.call));
      const leader = cluster.members.find(({ role }) => role === 'leader')?.name ?? 'nobody';
      const when = options.scheduled === undefined ? '' : ` at ${options.scheduled}`;
      await confirm(
        context,
        options,
        `Switch cluster ${cluster.scope} over from ${leader} to ${options.candidate ?? 'the best member'}${when}?`,
      );
      const request = { from: options.leader, to: options.candidate, at };
      return report(context, await context.access.operations.switchover(request, howOf(context, options, true)));
    }),
  );
};
