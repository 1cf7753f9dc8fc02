import {
  parseInstanceId,
  type InstanceId,
  type LeaseId,
  type MemberName,
  type Ms,
  type Term,
} from '../../../src/core/brand.ts';
import type { Source } from '../../../src/core/database.ts';
import type { Instant } from '../../../src/core/instant.ts';
import type { Tags } from '../../../src/core/settings.ts';
import { createDatabase, type SimDatabase } from '../database/database.ts';
import { createLink, type Admit, type Link } from '../network/link.ts';
import type { World } from '../world.ts';
import { createClocks } from './clocks.ts';
import { createGuard, type SimGuard } from './guard.ts';

/** `full`: nothing can be written. `stuck`: every access to it hangs, and so does whoever is to be killed meanwhile. */
export type Disk = 'good' | 'full' | 'stuck';

/** One machine: its clocks, its database, its guard, its files, its network. The agent's process is started on it. */
export interface Host {
  readonly name: MemberName;
  readonly tags: Tags;
  readonly database: SimDatabase;
  readonly guard: SimGuard;
  readonly link: Link;
  now(): Instant;
  /** It is switched on and not paused: something on it can act. */
  active(): boolean;
  /** Clients could get an acknowledgement from it now: never from a log that a hanging disk does not take. */
  acknowledges(): boolean;
  /** The whole machine stands still. `suspended`: its monotonic clock does too. */
  pause(suspended: boolean): void;
  resume(): void;
  /** It went on from a pause so shortly ago that its guard may not have finished a fence. */
  justThawed(): boolean;
  /** Runs on this machine: now, or when it goes on. */
  awake(what: () => void): void;
  /** Files that survive the agent's process. */
  readonly files: {
    instance: InstanceId;
    lease: LeaseId | undefined;
    leaseTtl: number;
    promise: { readonly term: Term; readonly ttl: Ms } | undefined;
  };
  renewInstance(): InstanceId;
  /** Grows whenever the server's processes are killed: what was going on in them has ended. */
  serverLife(): number;
  /** Kills the server's processes; with `leftovers` the postmaster alone. False: a stuck disk holds them, they die later. */
  killServer(leftovers: number): boolean;
  /** For how long the database has not answered; undefined when it does. */
  hungFor(): number | undefined;
  hang(lasts: number): void;
  disk: Disk;
  setDisk(disk: Disk): void;
  /** The host of this source, where the network lets it be reached. */
  reach(source: Source | undefined): Host | undefined;
  /** Until when the living agent believes that it may lead. */
  right: () => { readonly deadline: Instant | undefined };
  /** Told of what the shell's database port and guard port would tell. */
  onDatabase: () => void;
  onGuard: () => void;
  /** The next promotions end with a failure; they may be carried out all the same, up to `late` milliseconds after they began. */
  failingPromotions: { readonly count: number; readonly late: number };
  /** How much longer than usual a clean stop takes: clients that do not go away. */
  slowStop: number;
  /** There is room for a second copy of the data, so that the old one stays until the new one is whole. */
  readonly roomForTwo: boolean;
  up: boolean;
}

export const NO_FAILURE: Host['failingPromotions'] = { count: 0, late: 0 };

/** How long a guard that goes on after a pause may take to read its clocks and to end a fence. */
const THAW = 600;

export const createHost = (deps: {
  readonly world: World;
  readonly name: MemberName;
  readonly tags: Tags;
  /** Error of this host's clock rate. */
  readonly rate: number;
  readonly admit: Admit;
  readonly reachable: (from: MemberName, to: MemberName) => Host | undefined;
  /** A fence of the whole server begins. */
  readonly fences: (host: Host) => void;
}): Host => {
  const { world, name } = deps;
  const database = createDatabase(world.now);
  const clocks = createClocks(world, deps.rate);
  let instances = 0;
  let serverLife = 0;
  let hungSince: number | undefined;
  let paused = false;
  let thawedAt = -Infinity;
  let sleeping: (() => void)[] = [];
  let dying: number | undefined;

  const nextInstance = (): InstanceId => {
    instances += 1;
    const id = parseInstanceId(`${name.replaceAll(/[^a-z0-9]/g, '')}life${instances}`);
    if (id === undefined) throw new Error('not an instance id');
    return id;
  };
  const killServer = (leftovers: number): boolean => {
    const { kind } = database.server();
    if (kind === 'stopped' && leftovers > 0) return true;
    if (host.disk === 'stuck' && kind !== 'stopped' && database.usable()) {
      dying = leftovers;
      return false;
    }
    serverLife += 1;
    hungSince = undefined;
    database.end(false, leftovers);
    host.onDatabase();
    return true;
  };
  const host: Host = {
    name,
    tags: deps.tags,
    database,
    link: createLink(world, deps.admit),
    guard: createGuard({
      world,
      name,
      now: clocks.now,
      look: () => {
        const server = database.server();
        if (server.kind === 'starting') return 'replica';
        return server.kind === 'running' || server.kind === 'closing' ? server.role : 'none';
      },
      begins: () => {
        if (database.acknowledges()) world.sometimes('the guard fenced a primary');
        deps.fences(host);
      },
      fence: () => killServer(0),
      told: () => host.onGuard(),
    }),
    now: clocks.now,
    active: () => host.up && !paused,
    acknowledges: () => host.up && !paused && host.disk !== 'stuck' && database.acknowledges(),
    pause: (suspended) => {
      if (paused || !host.up) return;
      paused = true;
      if (suspended) clocks.suspend();
      host.guard.freeze();
    },
    resume: () => {
      if (!paused) return;
      paused = false;
      thawedAt = world.now();
      clocks.resume();
      const waiting = sleeping;
      sleeping = [];
      world.at(world.between(0, 20), host.guard.thaw);
      for (const what of waiting) world.at(world.between(0, 30), () => host.awake(what));
    },
    justThawed: () => world.now() - thawedAt < THAW,
    awake: (what) => {
      if (paused) sleeping.push(what);
      else what();
    },
    files: { instance: nextInstance(), lease: undefined, leaseTtl: 0, promise: undefined },
    renewInstance: () => (host.files.instance = nextInstance()),
    serverLife: () => serverLife,
    killServer,
    hungFor: () => (hungSince === undefined ? undefined : world.now() - hungSince),
    hang: (lasts) => {
      const since = world.now();
      hungSince = since;
      world.at(lasts, () => {
        if (hungSince === since) hungSince = undefined;
      });
    },
    disk: 'good',
    setDisk: (disk) => {
      host.disk = disk;
      if (disk === 'stuck') hungSince = world.now();
      if (disk !== 'good') return;
      hungSince = undefined;
      const leftovers = dying;
      dying = undefined;
      if (leftovers !== undefined) killServer(leftovers);
    },
    reach: (source) => (source === undefined ? undefined : deps.reachable(name, source.member)),
    right: () => ({ deadline: undefined }),
    onDatabase: () => {},
    onGuard: () => {},
    failingPromotions: NO_FAILURE,
    slowStop: 0,
    roomForTwo: world.chance(0.7),
    up: true,
  };
  return host;
};
