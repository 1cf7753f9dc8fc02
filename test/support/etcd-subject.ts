import { createEtcdStore } from '../../src/adapters/etcd/store.ts';
import { createClock } from '../../src/adapters/os/clock.ts';
import type { ConsensusStore } from '../../src/ports/consensus.ts';
import type { Subject } from '../contract/consensus.contract.ts';
import { startEtcd, withAdmin, type EtcdVersion } from './etcd.ts';

const QUOTA_BYTES = 4 * 1024 * 1024;
const FILLER_BYTES = 256 * 1024;

/** A real single-server etcd for the contract suite. */
export const openEtcdSubject = async (version: EtcdVersion): Promise<Subject> => {
  const cluster = await startEtcd({ version, args: [`--quota-backend-bytes=${QUOTA_BYTES}`] });
  const [endpoint = ''] = cluster.endpoints;
  const clock = createClock();
  const open: ConsensusStore[] = [];
  return {
    clock,
    client: () => {
      const store = createEtcdStore({ endpoints: cluster.endpoints, clock, random: Math.random });
      open.push(store);
      return store;
    },
    run: async (body) => body(),
    fill: async () =>
      withAdmin(endpoint, async (admin) => {
        const value = Buffer.alloc(FILLER_BYTES);
        for (let i = 0; i < 100; i++)
          try {
            await admin.kv.put({ key: Buffer.from(`/filler/${i}`), value }, { deadline: Date.now() + 2_000 });
          } catch {
            break;
          }
      }),
    free: async () =>
      withAdmin(endpoint, async (admin) => {
        const deleted = await admin.delete().prefix('/filler/').exec();
        await admin.kv.compact({ revision: deleted.header.revision, physical: true });
        await admin.maintenance.defragment();
        const { alarms } = await admin.maintenance.alarm({ action: 'Get' });
        for (const { memberID, alarm } of alarms)
          await admin.maintenance.alarm({ action: 'Deactivate', memberID, alarm });
      }),
    close: async () => {
      await Promise.all(open.map(async (store) => store.close()));
      await cluster.close();
    },
  };
};
