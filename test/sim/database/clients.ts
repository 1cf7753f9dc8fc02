import type { Checks } from '../checks/checks.ts';
import type { Host } from '../host/host.ts';
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
    database.receive(host.disk === 'good' && source?.hungFor() === undefined ? source?.database : undefined);
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
  checks.acknowledged(database.position());
};
