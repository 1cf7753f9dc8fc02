#!/usr/bin/env node
import { Command, CommanderError, Option } from 'commander';
import { checkConfig } from '../config/check.ts';
import { initConfig, type InitAnswers } from '../config/init.ts';
import { AgentError, ERRORS } from '../core/errors.ts';
import { VERSION } from '../version.ts';
import { forgetStoreOf } from './forget-store.ts';
import { readConfig, runAgent } from './run.ts';

/** Exit code for a configuration that cannot be used (sysexits EX_CONFIG): init systems need not try again. */
const EX_CONFIG = 78;

const DEFAULT_CONFIG = '/etc/haagent/haagent.yml';

interface InitOptions extends Omit<InitAnswers, 'etcdEndpoints'> {
  readonly etcd?: string;
}

const program = new Command('haagent')
  .description('High-availability agent for PostgreSQL, MySQL and MariaDB. One runs beside every database server.')
  .version(VERSION)
  .exitOverride();

program
  .command('run')
  .description(
    'run the agent of this member until it is told to stop (SIGTERM: the database goes on; SIGINT: it is stopped)',
  )
  .option('-c, --config <file>', 'configuration file', process.env['HAAGENT_CONFIG'] ?? DEFAULT_CONFIG)
  .action(async (options: { readonly config: string }) => {
    process.exitCode = await runAgent(options.config);
  });

program
  .command('forget-store')
  .description(
    'after etcd was restored or made anew on purpose: let the agent of this member believe it at its next start',
  )
  .option('-c, --config <file>', 'configuration file', process.env['HAAGENT_CONFIG'] ?? DEFAULT_CONFIG)
  .action(async (options: { readonly config: string }) => {
    await forgetStoreOf(readConfig(options.config));
    process.stdout.write('etcd will be believed as it is at the next start of the agent\n');
  });

const config = program.command('config').description('check a configuration file, or write one');

config
  .command('check')
  .description('say everything that is wrong with a configuration file')
  .argument('[file]', 'configuration file', process.env['HAAGENT_CONFIG'] ?? DEFAULT_CONFIG)
  .action((file: string) => {
    const report = checkConfig(file, process.env);
    (report.usable ? process.stdout : process.stderr).write(`${report.text}\n`);
    process.exitCode = report.usable ? 0 : EX_CONFIG;
  });

config
  .command('init')
  .description('print a commented configuration file, also from a PostgreSQL that is there already')
  .addOption(
    new Option('--engine <name>', 'the database').choices(['postgresql', 'mysql', 'mariadb']).default('postgresql'),
  )
  .option('--cluster <name>', 'name of the cluster')
  .option('--member <name>', 'name of this member')
  .option('--etcd <urls>', 'etcd servers, separated by commas')
  .option('--data-dir <directory>', 'data directory, existing or to be made')
  .option('--port <port>', 'port of the database', Number)
  .option('--advertise <host>', 'how others reach this host')
  .option('--api-port <port>', 'port of the REST API', Number)
  .option('--os-user <name>', 'user that the database runs as, where the agent is root')
  .action((options: InitOptions) => {
    const { etcd, ...answers } = options;
    const { text, notes } = initConfig({
      ...answers,
      ...(etcd === undefined ? {} : { etcdEndpoints: etcd.split(',') }),
    });
    process.stdout.write(text);
    for (const note of notes) process.stderr.write(`NOTICE: ${note}\n`);
  });

try {
  await program.parseAsync();
} catch (error) {
  if (error instanceof CommanderError) process.exitCode = error.exitCode === 0 ? 0 : 2;
  else if (error instanceof AgentError) {
    process.stderr.write(`${error.message}\n`);
    for (const line of error.detail) process.stderr.write(`  ${line}\n`);
    if (error.hint !== undefined) process.stderr.write(`HINT: ${error.hint}\n`);
    process.exitCode = error.code === 'config-invalid' ? EX_CONFIG : ERRORS[error.code].exit;
  } else throw error;
}
