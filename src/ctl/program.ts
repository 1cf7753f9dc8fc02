import { Command, CommanderError, Option } from 'commander';
import { AgentError, ERRORS } from '../core/errors.ts';
import { VERSION } from '../version.ts';
import type { Access } from './access.ts';
import type { Register, Run } from './command.ts';
import { config } from './commands/config.ts';
import { dsn } from './commands/dsn.ts';
import { events } from './commands/events.ts';
import { failover } from './commands/failover.ts';
import { flush } from './commands/flush.ts';
import { haproxy } from './commands/haproxy.ts';
import { history } from './commands/history.ts';
import { list, topology } from './commands/list.ts';
import { pause } from './commands/pause.ts';
import { reinit } from './commands/reinit.ts';
import { reload } from './commands/reload.ts';
import { restart } from './commands/restart.ts';
import { status } from './commands/status.ts';
import { switchover } from './commands/switchover.ts';
import { version } from './commands/version.ts';
import { why } from './commands/why.ts';
import { RefusedError } from './context.ts';
import type { Io } from './io.ts';
import { createPrinter, type OutputFormat } from './printer.ts';

const COMMANDS: readonly Register[] = [
  list,
  topology,
  status,
  why,
  switchover,
  failover,
  restart,
  reload,
  reinit,
  pause,
  flush,
  config,
  history,
  events,
  dsn,
  haproxy,
  version,
];

/** How to reach the cluster, as the options before or after the command say. */
export interface ConnectOptions {
  readonly config?: string;
  readonly agent?: readonly string[];
  readonly etcd?: readonly string[];
  readonly cluster?: string;
  readonly prefix: string;
  readonly user?: string;
  readonly passwordFile?: string;
  readonly ca?: string;
  readonly insecure?: boolean;
}

export interface CtlDeps {
  readonly io: Io;
  /** Makes the access that the options ask for. Throws `AgentError` when it cannot be made. */
  readonly connect: (options: ConnectOptions) => Promise<Access>;
}

/** How long one question to an agent or to etcd may take. */
const QUESTION_MS = 5_000;

/**
 * Runs one command line (without the program's own name). Returns the exit code: 0 done, 1 refused or failed, 2 not
 * understood, 3 not done in time.
 */
export const runCtl = async (argv: readonly string[], deps: CtlDeps): Promise<number> => {
  let code = 0;
  const run: Run = async (command, work) => {
    code = await withContext(command, deps, work);
  };
  const program = createProgram(deps.io, run);
  try {
    await program.parseAsync(argv, { from: 'user' });
    return code;
  } catch (error) {
    if (error instanceof CommanderError) return error.exitCode === 0 ? 0 : ERRORS.usage.exit;
    throw error;
  }
};

/** The program with all its commands; `run` is called for the one that was asked for. */
export const createProgram = (io: Pick<Io, 'out' | 'err'>, run: Run): Command => {
  const split = (text: string): readonly string[] => text.split(',').filter((part) => part !== '');
  const program = new Command('haagentctl')
    .description('Shows and changes a cluster of haagent.')
    .version(VERSION, '-V, --version')
    .addOption(new Option('-o, --output <format>', 'how to print').choices(['table', 'json', 'yaml']).default('table'))
    .option(
      '-c, --config <file>',
      'local configuration of an agent (default: HAAGENT_CONFIG, /etc/haagent/haagent.yml)',
    )
    .addOption(new Option('--agent <urls>', 'go through the first of these agents that answers').argParser(split))
    .addOption(
      new Option('--etcd <endpoints>', 'go through etcd alone, with --cluster').argParser(split).conflicts('agent'),
    )
    .option('--cluster <name>', 'name of the cluster, with --etcd')
    .option('--prefix <path>', 'where in etcd the clusters lie', '/haagent')
    .option('--user <name>', 'user of the API or of etcd (password: HAAGENTCTL_PASSWORD, or --password-file)')
    .option('--password-file <file>', 'file with the password')
    .option('--ca <file>', 'authorities (PEM) that sign the servers’ certificates')
    .option('--insecure', 'do not check the servers’ certificates')
    .showHelpAfterError('(haagentctl --help shows the commands)')
    .configureOutput({ writeOut: io.out, writeErr: io.err })
    .exitOverride();
  for (const register of COMMANDS) register(program, run);
  return program;
};

const withContext = async (command: Command, deps: CtlDeps, work: Parameters<Run>[1]): Promise<number> => {
  const { io } = deps;
  const options: ConnectOptions & { readonly output: OutputFormat } = command.optsWithGlobals();
  const print = createPrinter(io, options.output);
  let access: Access | undefined;
  try {
    access = await deps.connect(options);
    return await work({ io, access, print, call: { timeoutMs: QUESTION_MS, signal: io.signal } });
  } catch (error) {
    if (error instanceof RefusedError) print.refused(error.refusal);
    else if (error instanceof AgentError)
      print.refused({
        kind: 'refused',
        code: error.code,
        message: error.message,
        details: error.detail,
        ...(error.hint === undefined ? {} : { hint: error.hint }),
      });
    else if (io.signal.aborted) print.notice('Interrupted. What was recorded stays recorded.');
    else throw error;
    return error instanceof AgentError ? ERRORS[error.code].exit : 1;
  } finally {
    print.endProgress();
    await access?.close();
  }
};
