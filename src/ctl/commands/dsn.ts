import { Option } from 'commander';
import type { MemberName } from '../../core/brand.ts';
import { chooseMembers, type RoleOption } from '../choose-members.ts';
import type { Register } from '../command.ts';
import { RefusedError, valueOf } from '../context.ts';
import { member } from '../options.ts';

interface Options {
  readonly role?: RoleOption;
  readonly member?: MemberName;
}

/** `haagentctl dsn`: where a client can connect, as `host=… port=…`. */
export const dsn: Register = (program, run) => {
  const command = program
    .command('dsn')
    .description('print host and port of a member, for a connection string')
    .addOption(
      new Option('-r, --role <role>', 'of a member with this role (default: leader)').choices([
        'leader',
        'replica',
        'any',
      ]),
    )
    .option('-m, --member <member>', 'of this member', member);
  command.action(async (options: Options) =>
    run(command, async ({ access, call, print }) => {
      const cluster = valueOf(await access.cluster(call));
      const names = options.member === undefined ? [] : [options.member];
      const role = options.role ?? (options.member === undefined ? 'leader' : undefined);
      const running = chooseMembers(cluster, names, role).filter(
        ({ state }) => state === 'running' || state === 'streaming',
      );
      const found = running[0];
      if (found === undefined)
        throw new RefusedError({
          kind: 'refused',
          code: 'not-found',
          message: `No running member of cluster ${cluster.scope} fits.`,
          hint: 'haagentctl list shows the members and their states.',
        });
      print.value(
        { member: found.name, host: found.host, port: found.port },
        () => `host=${found.host} port=${found.port}`,
      );
      return 0;
    }),
  );
};
