import { Option } from 'commander';
import type { MemberName } from '../../core/brand.ts';
import { chooseMembers, type RoleOption } from '../choose-members.ts';
import type { Register } from '../command.ts';
import { confirm, valueOf, type ChangeOptions } from '../context.ts';
import { changes, members } from '../options.ts';

interface Options extends ChangeOptions {
  readonly role?: RoleOption;
}

/** `haagentctl reload`: the agents read their local configuration again. Asks each agent itself. */
export const reload: Register = (program, run) => {
  const command = program
    .command('reload')
    .description('make agents read their local configuration again')
    .argument('[members...]', 'which members', members)
    .addOption(new Option('-r, --role <role>', 'all members of this role').choices(['leader', 'replica', 'any']));
  changes(command, { takesTime: false }).action(async (names: readonly MemberName[] | undefined, options: Options) =>
    run(command, async (context) => {
      const { access, call, print } = context;
      const chosen = chooseMembers(valueOf(await access.cluster(call)), names ?? [], options.role);
      const list = chosen.map(({ name }) => name).join(', ');
      await confirm(context, options, `Reload the configuration of ${list}?`);
      if (options.dryRun === true) {
        print.value(
          { result: 'would-do', members: chosen.map(({ name }) => name) },
          () => `Dry run: would reload ${list}.`,
        );
        return 0;
      }
      const results: { readonly member: string; readonly result: string }[] = [];
      for (const { name, api_url: url } of chosen) {
        const answer = await access.reload(url.replace(/\/patroni$/, ''), call);
        results.push({ member: name, result: answer.kind === 'refused' ? 'failed' : 'accepted' });
        if (answer.kind === 'refused') print.warning(`${name}: ${answer.message} ${answer.hint ?? ''}`.trimEnd());
      }
      print.value(results, () => results.map(({ member, result }) => `${member}: reload ${result}`).join('\n'));
      return results.every(({ result }) => result === 'accepted') ? 0 : 1;
    }),
  );
};
