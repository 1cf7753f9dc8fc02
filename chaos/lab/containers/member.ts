import { chmodSync, chownSync, mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { LabMember, Part } from '../lab.ts';
import { selectPart } from '../member.ts';
import { killUntilNone, LAB_MARK, procsBelow, signalProc, type Proc } from '../proc.ts';
import { waitFor } from '../wait.ts';
import type { Docker } from './docker.ts';
import type { Images } from './engine.ts';
import { createContainerHost, type ContainerHost } from './host.ts';

/** The agent of a member, ours or the peer's: what differs between them. */
export interface AgentProgram {
  readonly image: string;
  /** The file with its configuration, below the member's directory, and what it holds. */
  readonly configName: string;
  readonly config: string;
  readonly command: readonly string[];
  /** Whether one of the member's processes is the agent itself. */
  isAgent(proc: Proc): boolean;
}

/** A member in a container of its own. */
export interface ContainerMember {
  readonly info: LabMember;
  readonly host: ContainerHost;
  processes(part: Part): readonly Proc[];
  /** Switches the host on and wants its agent to run. */
  start(): Promise<void>;
  stopAgent(): Promise<void>;
  kill(part: Part, signal: NodeJS.Signals): Promise<void>;
  signal(part: Part, signal: NodeJS.Signals): Promise<void>;
}

/**
 * The host's init: keeps the agent running while the file "wanted" is there. A host without an interval starts its agent
 * again only when it is wanted anew.
 */
const INIT = `
dir=$1 every=$2
shift 2
exec >>"$dir/agent.log" 2>&1
while :; do
  if [ -e "$dir/wanted" ]; then
    "$@"
    while [ -z "$every" ] && [ -e "$dir/wanted" ]; do sleep 0.1; done
  fi
  sleep "\${every:-0.1}"
done`;

const WANTED = 'wanted';
const STOP_MS = 20_000;

export const DATABASE_PORT = 5432;
export const API_PORT = 8010;

export interface ContainerMemberOptions {
  readonly docker: Docker;
  readonly images: Images;
  readonly labDir: string;
  readonly name: string;
  /** Unlike all other names on the engine. */
  readonly containerName: string;
  readonly network: string;
  readonly address: string;
  readonly restartAfterMs: number | undefined;
  readonly program: (paths: MemberPaths) => AgentProgram;
}

export interface MemberPaths {
  readonly dir: string;
  readonly dataDir: string;
  readonly socketDir: string;
}

/** Makes the member's directory, with which its container shares files and paths; starts nothing. */
export const createContainerMember = (options: ContainerMemberOptions): ContainerMember => {
  const { uid, gid } = options.images.postgres;
  const dir = join(options.labDir, options.name);
  const paths: MemberPaths = { dir, dataDir: join(dir, 'data'), socketDir: join(dir, 'socket') };
  const program = options.program(paths);
  const configFile = join(dir, program.configName);
  const runDir = join(dir, 'run');
  for (const made of [dir, paths.socketDir, join(dir, 'state'), runDir]) {
    mkdirSync(made);
    chmodSync(made, 0o755);
    chownSync(made, uid, gid);
  }
  writeFileSync(configFile, program.config, { mode: 0o600 });
  chownSync(configFile, uid, gid);

  const every = options.restartAfterMs === undefined ? '' : String(options.restartAfterMs / 1_000);
  const host = createContainerHost(options.docker, {
    name: options.containerName,
    hostname: options.name,
    image: program.image,
    command: ['tini', '--', 'sh', '-c', INIT, 'init', dir, every, ...program.command],
    env: { [LAB_MARK]: options.labDir },
    user: 'postgres',
    workingDir: dir,
    shared: [dir],
    memory: [{ directory: runDir, options: `uid=${uid},gid=${gid},mode=0700` }],
    network: options.network,
    address: options.address,
  });
  const info: LabMember = {
    ...paths,
    name: options.name,
    host: options.address,
    port: DATABASE_PORT,
    apiUrl: `http://${options.address}:${API_PORT}`,
    configFile,
    logFile: join(dir, 'agent.log'),
  };

  const processes = (part: Part): readonly Proc[] => {
    const all = procsBelow(dir);
    if (part === 'all') return all;
    return part === 'agent' ? all.filter((proc) => program.isAgent(proc)) : selectPart(all, part, paths.dataDir);
  };
  const signalAll = (part: Part, name: NodeJS.Signals): void => {
    for (const proc of processes(part)) signalProc(proc, name);
  };
  const unwant = (): void => rmSync(join(dir, WANTED), { force: true });
  return {
    info,
    host,
    processes,
    start: async () => {
      writeFileSync(join(dir, WANTED), '');
      await host.start();
    },
    stopAgent: async () => {
      unwant();
      signalAll('agent', 'SIGTERM');
      await waitFor(`the agent of ${options.name} ends after SIGTERM`, () => processes('agent').length === 0, {
        deadlineMs: STOP_MS,
      });
    },
    kill: async (part, name) => {
      if (part === 'all' && name === 'SIGKILL') await host.kill();
      else if (part === 'database' && name === 'SIGKILL') await killUntilNone(() => processes(part));
      else signalAll(part, name);
    },
    signal: async (part, name) => {
      if (part === 'all' && name === 'SIGSTOP') await host.freeze();
      else if (part === 'all' && name === 'SIGCONT') await host.thaw();
      else signalAll(part, name);
    },
  };
};
