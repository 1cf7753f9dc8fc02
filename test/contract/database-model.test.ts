import type { DatabaseView } from '../../src/core/database.ts';
import { parseMemberName, type MemberName } from '../../src/core/brand.ts';
import type { TaskResult } from '../../src/core/memory.ts';
import { NO_TAGS } from '../../src/core/settings.ts';
import { createOperate } from '../sim/database/operations.ts';
import { simPositions } from '../sim/database/positions.ts';
import { createHost, type Host } from '../sim/host/host.ts';
import { createWorld } from '../sim/world.ts';
import { databaseContract } from './database.contract.ts';

const PATIENCE = 20_000;

databaseContract('the simulator’s model', async () => {
  const world = createWorld(1);
  const hosts = new Map<MemberName, Host>();
  const receive = (): void => {
    for (const { database, reach } of hosts.values()) {
      const server = database.server();
      if (server.kind === 'running' && server.role === 'replica')
        database.receive(reach(database.source())?.database, 1);
    }
    world.at(50, receive);
  };
  receive();
  const pass = (milliseconds: number): void => world.run(world.now() + milliseconds, () => {});
  const until = async (what: string, fact: () => Promise<boolean>): Promise<void> => {
    for (const end = world.now() + PATIENCE; world.now() < end; pass(20)) if (await fact()) return;
    throw new Error(`not seen: ${what}`);
  };
  return {
    until,
    close: async () => {},
    member: async (text) => {
      const name = parseMemberName(text)!;
      const host = createHost({
        world,
        name,
        tags: NO_TAGS,
        rate: 0,
        admit: ({ run }) => run(),
        reachable: (_, to) => hosts.get(to),
        fences: () => {},
      });
      hosts.set(name, host);
      const ignored = (): void => {};
      const operate = createOperate({
        world,
        host,
        promoted: ignored,
        acknowledged: ignored,
        destroys: ignored,
        initializes: ignored,
        fences: ignored,
      });
      return {
        source: { member: name, host: text, port: 1 },
        compare: simPositions.compare,
        look: async (): Promise<DatabaseView> => host.database.view(undefined),
        write: async () => host.database.write(1),
        kill: async (what) => void host.killServer(what === 'all' ? 0 : 1),
        run: async (task) => {
          const ends: TaskResult[] = [];
          const from = task.kind === 'clone' || task.kind === 'rewind' ? task.from : undefined;
          operate(task, { source: () => from, renew: ignored }, (result) => ends.push(result));
          await until(`${task.kind} ends`, async () => ends.length > 0);
          return ends[0]!;
        },
      };
    },
  };
});
