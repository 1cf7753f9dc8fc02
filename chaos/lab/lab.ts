import type { LabEtcd } from './etcd.ts';
import type { EngineName } from './server.ts';
import type { Proc } from './proc.ts';

/** Which processes of a member a fault is about. `database` is the postmaster and all its children. */
export type Part = 'postmaster' | 'database' | 'agent' | 'guard' | 'all';

export interface LabMember {
  readonly name: string;
  readonly host: string;
  readonly port: number;
  readonly apiUrl: string;
  readonly dir: string;
  readonly dataDir: string;
  readonly configFile: string;
  /** What the agent and its guard write to standard output and error. */
  readonly logFile: string;
}

/** The disks of a lab's hosts, where each host has one of its own. Hosts are named as in `Lab.cut`. */
export interface LabVolumes {
  /** Whoever writes waits, and cannot be killed meanwhile. */
  hang(host: string): Promise<void>;
  release(host: string): Promise<void>;
  /** Leaves no byte free. */
  fill(host: string): Promise<void>;
  empty(host: string): Promise<void>;
}

/** The wall clocks of the members' hosts. */
export interface LabClock {
  /** Sets a host's wall clock so many seconds ahead of the true time. Monotonic clocks are not touched. */
  step(host: string, seconds: number): Promise<void>;
}

/** Where the primary's log is archived. */
export interface LabArchive {
  /** How long the archiver needs for each file from now on, in milliseconds. */
  throttle(perFileMs: number): Promise<void>;
  /** The names of all files that it has. */
  files(): Promise<readonly string[]>;
  /** The text of one of them. */
  read(name: string): Promise<string>;
}

/** What one member says of itself. */
export interface MemberView {
  readonly name: string;
  /** GET /primary answers 200: clients are to write here. */
  readonly open: boolean;
  /** From the agent; `unknown` when it does not answer. */
  readonly role: string;
  readonly state: string;
  readonly timeline: number | undefined;
}

export interface LabProxy {
  readonly host: string;
  readonly primaryPort: number;
  readonly replicaPort: number;
  readonly statsPort: number;
}

export interface CtlResult {
  readonly code: number;
  readonly stdout: string;
  readonly stderr: string;
}

/** Which agent a lab runs: ours, or the peer that benches compare it with. */
export type System = 'haagent' | 'patroni';

/**
 * What a lab can do to its hosts besides killing and freezing them. `network`: drop packets between hosts; `volumes`: fill
 * or hang the disk of one host; `clock`: step the clock of one host.
 */
export type Capability = 'network' | 'volumes' | 'clock';

export interface WaitOptions {
  readonly deadlineMs: number;
  readonly everyMs?: number;
}

/**
 * A cluster of real servers for tests, benches and the demo. Tests speak to this and not to how it is made: the servers
 * may be processes on loopback or containers.
 */
export interface Lab {
  readonly system: System;
  /** The faults below that need one of these refuse where it is missing. */
  readonly capabilities: ReadonlySet<Capability>;
  readonly dir: string;
  readonly cluster: string;
  /** How long a leader's right lasts without proof, in milliseconds. */
  readonly ttlMs: number;
  readonly members: readonly LabMember[];
  readonly etcd: LabEtcd;
  /** Each is there where the lab has the capability, and an archive where one was asked for. */
  readonly volumes?: LabVolumes;
  readonly clock?: LabClock;
  readonly archive?: LabArchive;
  readonly proxy: LabProxy | undefined;
  readonly superuser: { readonly user: string; readonly password: string };
  /** Who the workload logs in as; `prepareWriter` makes the role on the primary. */
  readonly writer: { readonly user: string };

  member(name: string): LabMember;
  /** A further member, not started. */
  addMember(spec: MemberSpec): Promise<LabMember>;
  /** Starts etcd, the proxy and every member's agent, and waits until etcd answers. */
  start(): Promise<void>;
  /** Ends and removes everything, also what the agents started. Can be called twice. */
  stop(options?: { readonly keep?: boolean }): Promise<void>;

  /** Starts a member's agent as init would, and keeps it running. */
  startMember(name: string): Promise<void>;
  /** Ends a member's agent with SIGTERM and keeps it stopped; whatever it leaves running goes on. */
  stopAgent(name: string): Promise<void>;

  observe(): Promise<readonly MemberView[]>;
  /** The member whose /primary says 200; undefined when none or several do. */
  leader(): Promise<string | undefined>;
  waitForLeader(options: WaitOptions & { readonly not?: string }): Promise<string>;
  /** One primary that is open, and every other member (or those named) streaming from it. */
  waitForHealthy(options: WaitOptions & { readonly members?: readonly string[] }): Promise<string>;
  /** Asks until there is an answer; fails with the state of all members and where the logs are. */
  waitFor<T>(what: string, probe: () => Promise<T | undefined | false>, options: WaitOptions): Promise<T>;

  /** The living processes of a part. */
  processes(name: string, part: Part): readonly Proc[];
  /**
   * Sends a signal to a part. SIGKILL of `all` is the loss of a host: nothing is started again until `startMember`.
   * SIGKILL of anything else leaves the member's init at work.
   */
  kill(name: string, part: Part, signal?: NodeJS.Signals): Promise<void>;
  /** SIGSTOP; `all` holds the whole host, its init too. Returns when it has taken effect. */
  freeze(name: string, part: Part): Promise<void>;
  thaw(name: string, part: Part): Promise<void>;

  /**
   * From now on every packet that a host of `from` sends to a host of `to` is lost without a word: one direction, added to
   * the cuts that are there. Hosts are named as members, `etcd1` …, and `clients` (the writers and HAProxy); a host is not
   * cut off from itself. Needs the capability `network`.
   */
  cut(from: readonly string[], to: readonly string[]): Promise<void>;
  /** Undoes every cut. */
  heal(): Promise<void>;

  /** Hands over to the best replica as an operator would; rejects when the command fails. */
  switchover(): Promise<void>;

  /** Runs haagentctl against this cluster and returns how it ended; ends by `deadlineMs` (30 s). */
  ctl(args: readonly string[], options?: { readonly deadlineMs?: number }): Promise<CtlResult>;
  prepareWriter(primary: string): Promise<void>;
  /** One GET of a member's API with its status and body; undefined when nothing answered within half a second. */
  get(name: string, path: string): Promise<{ readonly status: number; readonly body: string } | undefined>;
  /** Asks a member's database directly, as the superuser, on a connection of its own; ends within five seconds. */
  query(name: string, sql: string): Promise<readonly Readonly<Record<string, unknown>>[]>;
  /** The last lines of every log, for a failure's message. */
  logTail(lines?: number): string;
}

export interface MemberSpec {
  readonly name: string;
  readonly tags?: Readonly<Record<string, unknown>>;
  /** Merged over the generated local configuration, section by section. */
  readonly config?: Readonly<Record<string, Readonly<Record<string, unknown>>>>;
}

export interface LabOptions {
  readonly engine: EngineName;
  /** How many, named pg1, pg2 … (my1, ma1 …); or one by one. */
  readonly members: number | readonly MemberSpec[];
  readonly cluster?: string;
  readonly etcd?: 1 | 3;
  readonly haproxy?: boolean;
  /** Default 3,000. */
  readonly ttlMs?: number;
  /** The rest of the dynamic configuration that the bootstrap writes. */
  readonly settings?: Readonly<Record<string, unknown>>;
  /** A network address of its own for each host, so that hosts can be cut off from each other. Needs root. */
  readonly network?: boolean;
  /** A disk of its own for each member and each etcd server. Needs root. */
  readonly volumes?: boolean;
  /** Clocks that can be stepped. Needs libfaketime. */
  readonly clock?: boolean;
  /** Archive the log of the primary. */
  readonly archive?: boolean;
  /** The most that etcd may store; etcd's own limit otherwise. */
  readonly etcdQuotaBytes?: number;
  /** Ports that people can remember, where they are free; random ones otherwise. */
  readonly fixedPorts?: boolean;
  /** How long after its end a member's agent is started again, in milliseconds; undefined: never. */
  readonly restartAfterMs?: number;
}

/** Every member of the options by itself. */
export const specsOf = (members: LabOptions['members'], prefix: string): readonly MemberSpec[] =>
  typeof members === 'number'
    ? Array.from({ length: members }, (_, index) => ({ name: `${prefix}${index + 1}` }))
    : members;
