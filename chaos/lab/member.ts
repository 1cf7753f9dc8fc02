import { chmodSync, chownSync, mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { stringify } from 'yaml';
import { AGENT_FLAGS } from '../../src/adapters/os/node-flags.ts';
import { agentConfig, type ConfigInput } from './agent-config.ts';
import type { Account } from './host.ts';
import type { LabMember, MemberSpec, Part } from './lab.ts';
import { killUntilNone, procsBelow, signalProc, type Proc } from './proc.ts';
import { socketDirOf, type LabServer } from './server.ts';
import { createService, type Service } from './service.ts';

const AGENT = fileURLToPath(new URL('../../dist/bin/haagent.js', import.meta.url));

/** A member of a process lab: its directory, its agent under an init, and the processes that belong to it. */
export interface MemberProcess {
  readonly info: LabMember;
  readonly agent: Service;
  processes(part: Part): readonly Proc[];
  kill(part: Part, signal: NodeJS.Signals): Promise<void>;
  signal(part: Part, signal: NodeJS.Signals): void;
}

export interface MemberProcessOptions extends Omit<
  ConfigInput,
  'name' | 'dir' | 'dataDir' | 'socketDir' | 'osUser' | 'tags'
> {
  readonly server: LabServer;
  readonly spec: MemberSpec;
  readonly labDir: string;
  /** Who the database runs as; undefined: who the lab runs as. */
  readonly account: Account | undefined;
  readonly restartAfterMs: number | undefined;
  /** The command that runs others on this member's host. */
  readonly enter: readonly string[];
  readonly env: Readonly<Record<string, string>>;
  /** Called with an empty directory of the member that will hold its data. */
  readonly mount: (place: string) => Promise<void>;
}

const isDatabase = (proc: Proc, dataDir: string): boolean => proc.cwd === dataDir || proc.cwd.startsWith(`${dataDir}/`);

const isGuard = (proc: Proc): boolean => proc.args.some((arg) => /(^|[/-])guard(\.js|\.ts)?$/.test(arg));

/** Those of a member's processes that are its guard, its postmaster, or its whole database. */
export const selectPart = (
  all: readonly Proc[],
  part: 'guard' | 'postmaster' | 'database',
  dataDir: string,
): readonly Proc[] => {
  if (part === 'guard') return all.filter(isGuard);
  const database = all.filter((proc) => isDatabase(proc, dataDir));
  if (part === 'database') return database;
  const pids = new Set(database.map(({ pid }) => pid));
  return database.filter(({ ppid }) => !pids.has(ppid));
};

/** Writes the member's configuration and prepares its agent; starts nothing. */
export const createMemberProcess = async (options: MemberProcessOptions): Promise<MemberProcess> => {
  const { spec } = options;
  const dir = join(options.labDir, spec.name);
  const disk = join(dir, 'disk');
  const dataDir = join(disk, 'data');
  const socketDir = socketDirOf(dir);
  for (const made of [dir, socketDir, disk]) {
    mkdirSync(made);
    if (made === disk) await options.mount(disk);
    chmodSync(made, 0o755);
    if (options.account !== undefined) chownSync(made, options.account.uid, options.account.gid);
  }
  const stateDir = join(dir, 'state');
  mkdirSync(stateDir);
  chmodSync(stateDir, 0o711); // the database, as another user, keeps its own files below it
  const info: LabMember = {
    name: spec.name,
    host: options.host,
    port: options.port,
    apiUrl: `http://${options.host}:${options.apiPort}`,
    dir,
    dataDir,
    configFile: join(dir, 'haagent.yml'),
    logFile: join(dir, 'agent.log'),
  };
  const config = agentConfig(options.server.section, {
    ...options,
    name: spec.name,
    dir,
    dataDir,
    socketDir,
    osUser: options.account?.name,
    tags: spec.tags ?? {},
  });
  for (const [section, values] of Object.entries(spec.config ?? {}))
    config[section] = { ...config[section], ...values };
  writeFileSync(info.configFile, stringify(config), { mode: 0o600 });

  const agent = createService({
    enter: options.enter,
    file: process.execPath,
    args: [...AGENT_FLAGS, AGENT, 'run', '--config', info.configFile],
    cwd: dir,
    output: info.logFile,
    // As the shipped service does: half the time until a restarted agent is back.
    env: { ...options.env, NODE_COMPILE_CACHE: join(options.labDir, 'compile-cache') },
    labDir: options.labDir,
    ...(options.restartAfterMs === undefined ? {} : { restartAfterMs: options.restartAfterMs }),
  });

  const processes = (part: Part): readonly Proc[] => {
    const own = agent.process();
    if (part === 'agent') return own === undefined ? [] : [own];
    const all = procsBelow(dir);
    return part === 'all' ? all : selectPart(all, part, dataDir).filter(({ pid }) => pid !== own?.pid);
  };
  const signal = (part: Part, name: NodeJS.Signals): void => {
    for (const proc of processes(part)) signalProc(proc, name);
  };
  return {
    info,
    agent,
    processes,
    signal,
    kill: async (part, name) => {
      if (name !== 'SIGKILL' || (part !== 'all' && part !== 'database')) {
        signal(part, name);
        return;
      }
      if (part === 'all') agent.abandon();
      await killUntilNone(() => processes(part));
    },
  };
};
