import type { Checks } from '../checks/checks.ts';
import type { Host } from '../host/host.ts';
import { simPosition } from './positions.ts';
import type { World } from '../world.ts';

/** How often clients write, and replicas receive. */
const TICK = 100;
const MOST = 40;

/**
 * Clients that write to every database that takes writes, all the time, and the streams from source to replica. What a
 * client was told is what the checks hold the cluster to.
 */
export const startClients = (world: World, hosts: readonly Host[], checks: Checks): void => {
  const tick = (): void => {
    for (const host of hosts) if (host.active()) turn(world, host, checks);
    for (const host of hosts) dropSenders(world, host, hosts);
    world.at(TICK, tick);
  };
  world.at(0, tick);
};

const turn = (world: World, host: Host, checks: Checks): void => {
  const { database } = host;
  if (database.acknowledges()) write(world, host, checks);
  else {
    const server = database.server();
    if (server.kind !== 'running' || server.role !== 'replica' || host.hungFor() !== undefined) return;
    const source = host.reach(database.source());
    const from = host.disk === 'good' && source?.hungFor() === undefined ? source : undefined;
    // Where commits wait for it, it matters that replicas are at different places.
    const share = from?.database.commits.waits() === true && world.chance(0.3) ? world.random() : 1;
    database.receive(from?.database, share);
    if (from !== undefined && database.streaming()) report(world, host, from, checks);
  }
};

/** What counts as the voter: the instance that it has now. */
const voterOf = (host: Host): string => `${host.name}~${host.files.instance}`;

/** A replica says what it safely has. It may be late, and the receiver gone meanwhile: it is true all the same. */
const report = (world: World, host: Host, source: Host, checks: Checks): void => {
  const { at } = host.database.position();
  const voter = voterOf(host);
  const life = source.serverLife();
  const generation = source.database.position().path.length;
  world.at(source.database.commits.waits() ? world.between(0.2, 4) : 1, () =>
    source.awake(() => {
      const { database } = source;
      if (life !== source.serverLife() || !database.acknowledges()) return;
      if (database.position().path.length !== generation) return;
      const until = database.commits.flushed(voter, at, world.now());
      if (until !== undefined) checks.acknowledged(source, simPosition(database.position().path, until), true);
    }),
  );
};

/** How long a sender stays whose replica is not heard of any more. */
const LINGER = 3_000;

/** A sender ends with its receiver; where the network hides that, or the machine is gone, later. */
const dropSenders = (world: World, host: Host, hosts: readonly Host[]): void => {
  const { commits } = host.database;
  for (const [voter, { heardAt }] of commits.senders()) {
    const replica = hosts.find((other) => voterOf(other) === voter);
    const told =
      replica === undefined ||
      (replica.active() &&
        !replica.database.streaming() &&
        replica.reach({ member: host.name, host: '', port: 1 }) !== undefined) ||
      (replica.database.streaming() && replica.database.source()?.member !== host.name);
    if (told || world.now() - heardAt > LINGER) commits.gone(voter);
  }
};

const write = (world: World, host: Host, checks: Checks): void => {
  const { database } = host;
  if (host.hungFor() !== undefined) return;
  if (host.disk === 'full') {
    // A server that cannot write its log ends itself.
    world.note(host.name, 'no space for the log: the database ends');
    world.sometimes('a full disk ended a database');
    return void host.killServer(0);
  }
  if (database.server().kind === 'stopped') world.sometimes('a backend without its postmaster acknowledged a write');
  database.write((world.random() * MOST) | 0);
  if (database.commits.commit(database.position().at)) checks.acknowledged(host, database.position(), false);
};
