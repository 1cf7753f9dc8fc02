import { Option, type Command } from 'commander';
import { stringify } from 'yaml';
import type { SettingsDocument } from '../../core/model.ts';
import type { OperationResult } from '../../ports/operations.ts';
import { changeLines } from '../../state/config-versions.ts';
import type { Register, Run } from '../command.ts';
import { assignments, readDocument } from '../config-input.ts';
import {
  confirm,
  howOf,
  report,
  RefusedError,
  usageError,
  valueOf,
  type ChangeOptions,
  type Context,
} from '../context.ts';
import { changes, positive } from '../options.ts';
import { drawTable } from '../table.ts';

/** `haagentctl config …`: the dynamic configuration, shared by all members through etcd. */
export const config: Register = (program, run) => {
  const group = program.command('config').description('show and change the dynamic configuration');
  show(group, run);
  set(group, run);
  edit(group, run);
  diff(group, run);
  history(group, run);
};

const show = (group: Command, run: Run): void => {
  group
    .command('show')
    .description('print the configuration in force, as it was written')
    .action(async (_options, command) =>
      run(command, async ({ access, call, print }) => {
        const { document } = valueOf(await access.configuration(call));
        print.value(document, () =>
          Object.keys(document).length === 0 ? '# nothing is set: defaults apply' : stringify(document),
        );
        return 0;
      }),
    );
};

const set = (group: Command, run: Run): void => {
  const command = group
    .command('set')
    .description('change single settings: ttl=20s parameters.work_mem=64MB; null takes one out')
    .argument('<settings...>', 'name=value, names with dots');
  changes(command, { takesTime: false }).action(async (texts: readonly string[], options: ChangeOptions) =>
    run(command, async (context) => apply(context, options, 'patch', assignments(texts))),
  );
};

interface EditOptions extends ChangeOptions {
  readonly apply?: string;
  readonly replace?: string;
}

const edit = (group: Command, run: Run): void => {
  const command = group
    .command('edit')
    .description('change the configuration in the editor ($VISUAL, $EDITOR), or from a file')
    .addOption(new Option('--apply <file>', 'merge this YAML file into it (null takes out; - is standard input)'))
    .addOption(new Option('--replace <file>', 'replace it by this YAML file (- is standard input)').conflicts('apply'));
  changes(command, { takesTime: false }).action(async (options: EditOptions) =>
    run(command, async (context) => {
      const { io } = context;
      if (options.apply !== undefined)
        return apply(context, options, 'patch', readDocument(io.readFile(options.apply)));
      if (options.replace !== undefined)
        return apply(context, options, 'replace', readDocument(io.readFile(options.replace)));
      if (!io.inIsTerminal)
        throw usageError('There is no terminal for an editor.', 'Use --apply FILE or --replace FILE.');
      const { document } = valueOf(await context.access.configuration(context.call));
      const text = await io.edit(stringify(document));
      if (text === undefined) {
        context.print.notice('Nothing was changed.');
        return 0;
      }
      return apply(context, options, 'replace', readDocument(text));
    }),
  );
};

/** Shows what would change, asks, and writes. A dry run of the agents' own check comes first: it names every fault. */
const apply = async (
  context: Context,
  options: ChangeOptions,
  how: 'patch' | 'replace',
  document: SettingsDocument,
): Promise<number> => {
  const { operations } = context.access;
  const preview = await operations.configure({ how, document }, howOf(context, { ...options, dryRun: true }, false));
  if (preview.kind !== 'would-do' || options.dryRun === true) return reportChange(context, preview);
  for (const line of changesIn(preview.data)) context.io.err(`  ${line}\n`);
  await confirm(context, options, 'Write these changes?');
  return reportChange(context, await operations.configure({ how, document }, howOf(context, options, false)));
};

const reportChange = (context: Context, result: OperationResult): number => {
  if (result.kind === 'would-do' && context.print.format === 'table')
    for (const line of changesIn(result.data)) context.io.out(`  ${line}\n`);
  return report(context, result);
};

const changesIn = (data: unknown): readonly string[] => {
  const lines: unknown = typeof data === 'object' && data !== null && 'changes' in data ? data.changes : [];
  return Array.isArray(lines) ? lines.map(String) : [];
};

const diff = (group: Command, run: Run): void => {
  group
    .command('diff')
    .description('show what changed between two versions (default: the last change)')
    .argument('[from]', 'number of a version', positive)
    .argument('[to]', 'number of a version (default: the one in force)', positive)
    .action(async (from: number | undefined, to: number | undefined, _options, command) =>
      run(command, async ({ access, call, print }) => {
        const { versions } = valueOf(await access.configuration(call));
        const newest = versions[0]?.number ?? 0;
        const [a, b] = [from ?? newest - 1, to ?? newest];
        const document = (number: number): SettingsDocument => {
          const found = versions.find((version) => version.number === number)?.document;
          if (found !== undefined || number === 0) return found ?? {};
          throw new RefusedError({
            kind: 'refused',
            code: 'not-found',
            message: `Version ${number} of the configuration is not kept.`,
            hint: 'haagentctl config history lists the versions.',
          });
        };
        const lines = changeLines(document(a), document(b));
        print.value({ from: a, to: b, changes: lines }, () =>
          lines.length === 0 ? 'no difference' : lines.join('\n'),
        );
        return 0;
      }),
    );
};

const history = (group: Command, run: Run): void => {
  group
    .command('history')
    .description('list the kept versions: when, by whom, what')
    .action(async (_options, command) =>
      run(command, async ({ access, call, print }) => {
        const { versions } = valueOf(await access.configuration(call));
        print.value(versions, () =>
          drawTable(
            'Configuration',
            ['Version', 'When', 'By', 'Changes'],
            versions.map(({ number, at, by, changes: lines }) => [String(number), at, by, lines.join('; ')]),
            { right: ['Version'] },
          ),
        );
        return 0;
      }),
    );
};
