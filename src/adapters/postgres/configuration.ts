import { join } from 'node:path';
import { StepError } from '../../core/errors.ts';
import type { Step } from '../../ports/database.ts';
import { accessFile, accessRuleFault, memberAddresses } from './access-rules.ts';
import { isWeakLevel } from './commit-levels.ts';
import type { ControlFile } from './control-file.ts';
import { tailOf } from '../engine/failures.ts';
import { readIfThere } from '../engine/files.ts';
import { commandLineParameters, fileParameters, mergeParameters } from './parameters.ts';
import { quoteSetting } from './quoting.ts';
import { copiesSlots, replicationParameters } from './replication-parameters.ts';
import type { PostgresSettings } from './settings.ts';
import type { Site } from './site.ts';

/** Everything the server is told, computed from what the agent was told. */
interface Rendered {
  readonly commandLine: Readonly<Record<string, string>>;
  /** Content of our configuration file. */
  readonly file: string;
  readonly refused: readonly string[];
}

const REVISION = 'haagent.revision';

/** What the server's own program said of our configuration. */
interface Checked {
  readonly major: number;
  /** Parameters that it refused. */
  readonly dropped: ReadonlySet<string>;
  /** Its synchronous_commit, from whatever file; undefined until it was asked. */
  readonly level: string | undefined;
}

const render = (
  site: Site,
  settings: PostgresSettings,
  control: ControlFile | undefined,
  { major, dropped, level }: Checked,
): Rendered => {
  const { options, paths } = site;
  const merged = mergeParameters(options.parameters, settings.config?.parameters ?? {});
  const accepted = Object.fromEntries(Object.entries(merged.accepted).filter(([name]) => !dropped.has(name)));
  const archiveMode = options.archive === undefined ? undefined : (options.archive.mode ?? 'on');
  const archiving: Readonly<Record<string, string>> =
    options.archive === undefined ? {} : { archive_command: options.archive.command };
  const commandLine = commandLineParameters(
    {
      listenHost: options.listenHost,
      port: options.port,
      socketDir: options.socketDir,
      clusterName: options.clusterName,
      accessFile: paths.access,
      identFile: paths.ident,
      archiveMode,
    },
    accepted,
    control,
  );
  const kept = Object.entries(fileParameters(accepted));
  const ours = Object.entries({ ...archiving, ...replicationParameters(site, settings, major, level) });
  const base = options.configFile ?? join(options.dataDir, 'postgresql.conf');
  // In the file as well: PostgreSQL complains at every reload of a file that differs from its command line.
  const repeated = Object.entries(commandLine);
  const lines = [
    '# Written by haagent from its configuration; changes made here are lost.',
    `include_if_exists ${quoteSetting(base)}`,
    ...[...kept.toSorted(([a], [b]) => a.localeCompare(b)), ...repeated, ...ours].map(
      ([name, value]) => `${name} = ${quoteSetting(value)}`,
    ),
  ];
  const weak =
    settings.config?.synchronous !== undefined && level !== undefined && isWeakLevel(level)
      ? [
          `synchronous_commit: under '${level}' a commit is not safe with the voters when it ends; strict does not take it`,
        ]
      : [];
  return { commandLine, file: `${lines.join('\n')}\n`, refused: [...merged.refused, ...weak] };
};

/** The server's arguments. The configuration file lies outside the data, so that no clone or rewind ever replaces it. */
export const serverArguments = (
  dataDir: string,
  confFile: string,
  parameters: Readonly<Record<string, string>>,
): readonly string[] => [
  '-D',
  dataDir,
  '-c',
  `config_file=${confFile}`,
  ...Object.entries(parameters).flatMap(([name, value]) => ['-c', `${name}=${value}`]),
];

const CULPRIT = /(?:unrecognized configuration parameter|invalid value for parameter|parameter) "([^"]+)"/g;

/**
 * Lets the server's own program read a candidate of the configuration. Returns the names of the parameters that it refuses:
 * with one of them in the file the next start would fail on every member at once. Without any, returns the level of durability that
 * commits would have.
 */
const askServer = async (
  site: Site,
  candidate: string,
  rendered: Rendered,
  step: Step,
): Promise<{ readonly refused: readonly string[]; readonly level?: string }> => {
  const args = [...serverArguments(site.options.dataDir, candidate, rendered.commandLine), '-C', 'synchronous_commit'];
  const result = await site.run('postgres', args, step);
  if (result.kind === 'exited' && result.code === 0) return { refused: [], level: result.stdout.trim() };
  if (result.kind !== 'exited')
    throw new StepError('timed-out', 'checking the configuration with postgres -C: no answer');
  const named = [...result.stderr.matchAll(CULPRIT)].flatMap((found) => found[1]?.toLowerCase() ?? []);
  if (named.length > 0) return { refused: named };
  throw new StepError(
    'refused',
    `PostgreSQL cannot read its configuration (${site.options.dataDir}): ${tailOf(result.stderr)}; correct the file that it names`,
  );
};

/** Our part of the server's configuration on disk. */
export interface Configuration {
  /**
   * Writes what differs from the last time and returns what the server is to be started with. `changed` says that a
   * running server must reload.
   */
  write(
    settings: PostgresSettings,
    control: ControlFile | undefined,
    step: Step,
  ): Promise<{
    readonly changed: boolean;
    readonly commandLine: Readonly<Record<string, string>>;
    /** The number of the file's content, which the server shows once it has read it. */
    readonly revision: number;
  }>;
  /** What the next start would put on the command line. */
  commandLine(settings: PostgresSettings, control: ControlFile | undefined): Readonly<Record<string, string>>;
  /** The next write asks anew which addresses the members' names have. */
  refreshAddresses(): void;
}

export const createConfiguration = (site: Site): Configuration => {
  const { options, paths, files } = site;
  const dropped = new Set<string>();
  const said = new Set<string>();
  let checkedParameters = '';
  let level: string | undefined;
  let resolved: { readonly hosts: string; readonly addresses: readonly string[] } | undefined;

  const addressesOf = async (hosts: readonly string[], step: Step): Promise<readonly string[]> => {
    const key = hosts.join(' ');
    if (resolved?.hosts !== key)
      resolved = { hosts: key, addresses: await memberAddresses(options.clock, hosts, step) };
    return resolved.addresses;
  };

  const say = (sentence: string): void => {
    if (said.has(sentence)) return;
    said.add(sentence);
    options.log.warn('database.parameter_refused', sentence);
  };

  const check = async (settings: PostgresSettings, control: ControlFile | undefined, step: Step): Promise<Rendered> => {
    const parameters = JSON.stringify([settings.config?.parameters ?? {}, options.parameters]);
    if (parameters !== checkedParameters) dropped.clear();
    const { major } = await site.dialect(step);
    for (;;) {
      if (parameters === checkedParameters) return render(site, settings, control, { major, dropped, level });
      // Without our own correction of the level, so that the answer is what the files say.
      const rendered = render(site, settings, control, { major, dropped, level: undefined });
      const candidate = `${paths.conf}.candidate`;
      await files.write(candidate, rendered.file);
      const answer = await askServer(site, candidate, rendered, step);
      const fresh = answer.refused.filter((name) => !dropped.has(name));
      await files.remove(candidate);
      if (fresh.length === 0) {
        checkedParameters = parameters;
        ({ level } = answer);
      }
      for (const name of fresh) {
        dropped.add(name);
        say(`${name}: PostgreSQL does not take this value or does not know the parameter; it was left out`);
      }
    }
  };

  const writeIfChanged = async (path: string, content: string): Promise<boolean> => {
    if ((await readIfThere(path)) === content) return false;
    await files.write(path, content);
    return true;
  };

  /** Every content has a number of its own, in its last line. */
  const writeNumbered = async (path: string, content: string): Promise<{ changed: boolean; revision: number }> => {
    const before = (await readIfThere(path)) ?? '';
    const last = Number(new RegExp(`^${REVISION} = '(\\d+)'$`, 'm').exec(before)?.[1] ?? 0);
    const numbered = (revision: number): string => `${content}${REVISION} = '${revision}'\n`;
    if (before === numbered(last)) return { changed: false, revision: last };
    await files.write(path, numbered(last + 1));
    return { changed: true, revision: last + 1 };
  };

  return {
    write: async (settings, control, step) => {
      await site.prepare();
      const rendered = await check(settings, control, step);
      for (const sentence of rendered.refused) say(sentence);
      const wanted = settings.config?.accessRules ?? [];
      const rules = (wanted.length > 0 ? wanted : options.accessRules).filter((line) => {
        const fault = accessRuleFault(line);
        if (fault !== undefined) say(`access rule left out: ${fault}`);
        return fault === undefined;
      });
      const addresses = await addressesOf(settings.config?.memberHosts ?? [], step);
      const access = accessFile(options.credentials, addresses, rules, copiesSlots(settings));
      const accessChanged = await writeIfChanged(paths.access, access);
      const conf = await writeNumbered(paths.conf, rendered.file);
      return {
        changed: accessChanged || conf.changed,
        commandLine: rendered.commandLine,
        revision: conf.revision,
      };
    },
    commandLine: (settings, control) => render(site, settings, control, { major: 0, dropped, level }).commandLine,
    refreshAddresses: () => {
      resolved = undefined;
    },
  };
};
