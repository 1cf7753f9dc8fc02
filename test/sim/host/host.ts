import { parseInstanceId, type InstanceId, type LeaseId, type MemberName } from '../../../src/core/brand.ts';
import type { Source } from '../../../src/core/database.ts';
import type { Instant } from '../../../src/core/instant.ts';
import type { Tags } from '../../../src/core/settings.ts';
import { createDatabase, type SimDatabase } from '../database/database.ts';
import { createGuard, type SimGuard } from './guard.ts';
import { createLink, type Link } from './link.ts';
import type { World } from '../world.ts';

/** One machine: its clocks, its database, its guard, its files, its network. The agent's process is started on it. */
export interface Host {
  readonly name: MemberName;
  readonly tags: Tags;
  readonly database: SimDatabase;
  readonly guard: SimGuard;
  readonly link: Link;
  now(): Instant;
  /** Files that survive the agent's process. */
  readonly files: { instance: InstanceId; lease: LeaseId | undefined };
  renewInstance(): InstanceId;
  /** Grows whenever the server's processes are killed: what was going on in them has ended. */
  serverLife(): number;
  killServer(leftovers: number): void;
  /** For how long the database has not answered; undefined when it does. */
  hungFor(): number | undefined;
  hang(lasts: number): void;
  /** The host of this source, where the network lets it be reached. */
  reach(source: Source | undefined): Host | undefined;
  /** Until when the living agent believes that it may lead. */
  right: () => { readonly deadline: Instant | undefined };
  /** Told of what the shell's database port and guard port would tell. */
  onDatabase: () => void;
  onGuard: () => void;
  /** The next promotions end with a failure; they may be carried out all the same. */
  failingPromotions: number;
  up: boolean;
}

export const createHost = (deps: {
  readonly world: World;
  readonly name: MemberName;
  readonly tags: Tags;
  /** Error of this host's clock rate. */
  readonly rate: number;
  readonly reachable: (from: MemberName, to: MemberName) => Host | undefined;
}): Host => {
  const { world, name } = deps;
  const database = createDatabase();
  const offset = world.between(0, 1e6);
  let instances = 0;
  let serverLife = 0;
  let hungSince: number | undefined;

  const now = (): Instant => {
    const mono = offset + world.now() * (1 + deps.rate);
    return { mono, boot: mono + 1_000 };
  };
  const nextInstance = (): InstanceId => {
    instances += 1;
    const id = parseInstanceId(`${name.replaceAll(/[^a-z0-9]/g, '')}life${instances}`);
    if (id === undefined) throw new Error('not an instance id');
    return id;
  };
  const killServer = (leftovers: number): void => {
    serverLife += 1;
    hungSince = undefined;
    database.end(false, leftovers);
    host.onDatabase();
  };
  const host: Host = {
    name,
    tags: deps.tags,
    database,
    link: createLink(world),
    guard: createGuard({
      world,
      name,
      now,
      look: () => {
        const server = database.server();
        if (server.kind === 'starting') return 'replica';
        return server.kind === 'running' || server.kind === 'closing' ? server.role : 'none';
      },
      fence: () => killServer(0),
      told: () => host.onGuard(),
    }),
    now,
    files: { instance: nextInstance(), lease: undefined },
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
    reach: (source) => (source === undefined ? undefined : deps.reachable(name, source.member)),
    right: () => ({ deadline: undefined }),
    onDatabase: () => {},
    onGuard: () => {},
    failingPromotions: 0,
    up: true,
  };
  return host;
};
