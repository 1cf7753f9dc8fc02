import { Option } from 'commander';
import type { MemberName } from '../../core/brand.ts';
import { chooseMembers, type RoleOption } from '../choose-members.ts';
import type { Register } from '../command.ts';
import { confirm, howOf, report, valueOf, type ChangeOptions } from '../context.ts';
import { changes, members } from '../options.ts';
import { scheduledAt } from '../schedule-option.ts';

interface Options extends ChangeOptions {
  readonly role?: RoleOption;
  readonly pending?: boolean;
  readonly scheduled?: string;
}

/** `haagentctl restart`: restarts databases, one after the other, the leader's last; stops at the first that fails. */
export const restart: Register = (program, run) => {
  const command = program
    .command('restart')
    .description("restart members' databases, one after the other, the leader's last")
    .argument('[members...]', 'which members', members)
    .addOption(new Option('-r, --role <role>', 'all members of this role').choices(['leader', 'replica', 'any']))
    .option('--pending', 'only where a changed setting waits for a restart')
    .option('--scheduled <time>', 'when, for instance 2026-01-31T04:00:00+01:00 (default: now)');
  changes(command, { takesTime: true }).action(async (names: readonly MemberName[] | undefined, options: Options) =>
    run(command, async (context) => {
      const at = scheduledAt(context, options.scheduled);
      const cluster = valueOf(await context.access.cluster(context.call));
      const chosen = chooseMembers(cluster, names ?? [], options.role).filter(
        (member) => options.pending !== true || member.pending_restart === true,
      );
      if (chosen.length === 0) {
        context.print.notice('No member is to be restarted.');
        return 0;
      }
      await confirm(context, options, `Restart the database of ${chosen.map(({ name }) => name).join(', ')}?`);
      const results: object[] = [];
      for (const { name } of chosen) {
        const request = { member: name, onlyIfPending: options.pending ?? false, at };
        const result = await context.access.operations.restart(request, howOf(context, keyFor(options, name), true));
        if (result.kind === 'refused') return report(context, result);
        if (context.print.format === 'table') report(context, result);
        results.push({ member: name, result: result.kind, message: result.message, data: result.data });
      }
      if (context.print.format !== 'table') context.print.value(results, () => '');
      return 0;
    }),
  );
};

/** Each member's restart is a request of its own. */
const keyFor = (options: Options, name: MemberName): Options =>
  options.idempotencyKey === undefined ? options : { ...options, idempotencyKey: `${options.idempotencyKey}/${name}` };
