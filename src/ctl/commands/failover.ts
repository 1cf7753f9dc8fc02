import type { MemberName } from '../../core/brand.ts';
import type { Register } from '../command.ts';
import { confirm, confirmTyped, howOf, report, valueOf, type ChangeOptions } from '../context.ts';
import { changes, member } from '../options.ts';

interface Options extends ChangeOptions {
  readonly candidate: MemberName;
  readonly allowDataLoss?: boolean;
  readonly confirm?: string;
}

/** `haagentctl failover`: makes a named member the leader, also without a healthy one. */
export const failover: Register = (program, run) => {
  const command = program
    .command('failover')
    .description('make a member the leader by force')
    .requiredOption('--candidate <member>', 'who shall lead', member)
    .option('--allow-data-loss', 'promote it although acknowledged writes may be lost')
    .option('--confirm <cluster>', 'with --allow-data-loss: name of the cluster, instead of typing it');
  changes(command, { takesTime: true }).action(async (options: Options) =>
    run(command, async (context) => {
      const cluster = valueOf(await context.access.cluster(context.call));
      const what = `fail cluster ${cluster.scope} over to ${options.candidate}`;
      if (options.allowDataLoss === true)
        await confirmTyped(context, options, `This will ${what}: ACKNOWLEDGED WRITES MAY BE LOST.`, cluster.scope);
      else await confirm(context, options, `Really ${what}?`);
      const request = { to: options.candidate, allowDataLoss: options.allowDataLoss ?? false };
      return report(context, await context.access.operations.failover(request, howOf(context, options, true)));
    }),
  );
};
