import { StepError } from '../../core/errors.ts';
import type { Step } from '../../ports/database.ts';
import type { Settings } from '../engine/settings.ts';
import { tailOf } from '../engine/failures.ts';
import { canonical, mergeParameters } from './parameters.ts';
import { quoteOption } from './quoting.ts';
import type { Site } from './site.ts';

/** Our part of the server's configuration: the only file that it is started with. */
export interface Configuration {
  /**
   * Writes the file for the next start and returns the operator's parameters in it. Parameters that the server does not take
   * are left out and logged: with one of them in the file no start would succeed.
   */
  write(settings: Settings, serverId: number, step: Step): Promise<Readonly<Record<string, string>>>;
  /** The operator's parameters that the next start would have. */
  parameters(settings: Settings): Readonly<Record<string, string>>;
  /** Leaves a parameter out from now on, and says why. */
  drop(name: string, why: string): void;
}

/** One line an option; an option without a value is a switch. */
export const optionLines = (options: Readonly<Record<string, string>>): readonly string[] =>
  Object.entries(options).map(([name, value]) => (value === '' ? name : `${name} = ${quoteOption(value)}`));

/** Options of every start, of both flavours. */
const common = (site: Site, settings: Settings, serverId: number): Readonly<Record<string, string>> => {
  const { options, paths } = site;
  const instance = settings.config?.instance;
  return {
    datadir: options.dataDir,
    socket: paths.socket,
    pid_file: paths.pid,
    port: String(options.port),
    bind_address: options.listenHost,
    skip_name_resolve: 'ON',
    server_id: String(serverId),
    report_host: instance === undefined ? options.name : `${options.name}~${instance}`,
    report_port: String(options.port),
    log_bin: 'binlog',
    relay_log: 'relay',
    binlog_format: 'ROW',
    sync_binlog: '1',
    innodb_flush_log_at_trx_commit: '1',
  };
};

const render = (site: Site, ...sections: readonly Readonly<Record<string, string>>[]): string => {
  const { configFile } = site.options;
  const lines = [
    '# Written by haagent from its configuration; changes made here are lost.',
    ...(configFile === undefined ? [] : [`!include ${configFile}`]),
    '[mysqld]',
    ...sections.flatMap(optionLines),
  ];
  return `${lines.join('\n')}\n`;
};

const CULPRIT =
  /unknown (?:variable|option) '-{0,2}([A-Za-z0-9_-]+)|(?:Error while setting value '[^']*' to|Incorrect argument (?:type|value)[^']*'[^']*' for variable|Wrong value for) '?([A-Za-z0-9_-]+)/gi;

export const createConfiguration = (site: Site): Configuration => {
  const { options, paths, files } = site;
  const dropped = new Map<string, string>();
  const said = new Set<string>();
  let checked = '';

  const say = (sentence: string): void => {
    if (said.has(sentence)) return;
    said.add(sentence);
    options.log.warn('database.parameter_refused', sentence);
  };
  const drop = (name: string, why: string): void => {
    dropped.set(name, why);
    say(`${name}: ${why}; it was left out`);
  };
  const parameters = (settings: Settings): Readonly<Record<string, string>> => {
    const { accepted, refused } = mergeParameters(options.parameters, settings.config?.parameters ?? {});
    for (const sentence of refused) say(sentence);
    return Object.fromEntries(Object.entries(accepted).filter(([name]) => !dropped.has(name)));
  };

  /** Lets the server itself read a candidate; returns the names that it does not take. */
  const refusedByServer = async (candidate: string, step: Step): Promise<readonly string[]> => {
    const dialect = await site.dialect(step);
    const result = await site.run(dialect.programs.server, dialect.checkArguments(candidate), step);
    if (result.kind === 'exited' && result.code === 0) return [];
    if (result.kind !== 'exited')
      throw new StepError('timed-out', `checking the configuration with ${dialect.programs.server}: no answer`);
    const output = result.stderr + result.stdout.slice(-10_000);
    const names = [...output.matchAll(CULPRIT)].map((found) => canonical(found[1] ?? found[2] ?? ''));
    if (names.length > 0) return names;
    throw new StepError(
      'refused',
      `${dialect.product} cannot read its configuration: ${tailOf(result.stderr)}; correct ${options.configFile ?? 'the parameters'}`,
    );
  };

  return {
    parameters,
    drop,
    write: async (settings, serverId, step) => {
      await site.prepare();
      const dialect = await site.dialect(step);
      const key = JSON.stringify([settings.config?.parameters ?? {}, options.parameters]);
      if (key !== checked) dropped.clear();
      for (;;) {
        const wanted = parameters(settings);
        const text = render(site, dialect.defaults, wanted, common(site, settings, serverId), dialect.options);
        const fresh = key === checked ? [] : await candidateFaults(text, wanted, step);
        for (const name of fresh)
          drop(name, `${dialect.product} does not take this value or does not know the parameter`);
        if (fresh.length > 0) continue;
        checked = key;
        await files.write(paths.conf, text);
        return wanted;
      }
    },
  };

  async function candidateFaults(text: string, wanted: Readonly<Record<string, string>>, step: Step) {
    const candidate = `${paths.conf}.candidate`;
    await files.write(candidate, text);
    try {
      const names = await refusedByServer(candidate, step);
      const ours = names.filter((name) => Object.hasOwn(wanted, name));
      if (names.length > 0 && ours.length === 0)
        throw new StepError(
          'refused',
          `the server does not take ${names.join(', ')}; correct ${options.configFile ?? 'its version'}`,
        );
      return ours;
    } finally {
      await files.remove(candidate);
    }
  }
};

/** The configuration of a server that nobody but the agent can reach. */
export const privateConfiguration = async (
  site: Site,
  dataDir: string,
  purpose: 'new' | 'copy',
  step: Step,
): Promise<string> => {
  const { paths } = site;
  const dialect = await site.dialect(step);
  return render(
    site,
    dialect.defaults,
    {
      datadir: dataDir,
      socket: paths.privateSocket,
      pid_file: `${paths.pid}.private`,
      server_id: '1',
      skip_networking: 'ON',
    },
    purpose === 'new' ? dialect.privateOptions : dialect.resumeOptions,
  );
};
