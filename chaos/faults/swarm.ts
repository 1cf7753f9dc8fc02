import { pause } from '../lab/wait.ts';
import { agentFreeze } from './agent-freeze.ts';
import { agentKill } from './agent-kill.ts';
import { dbFreeze } from './db-freeze.ts';
import { etcdLeaderKill } from './etcd-leader.ts';
import type { Fault, Undo } from './fault.ts';
import { freeze } from './freeze.ts';
import { guardFreeze } from './guard-freeze.ts';
import { kill } from './kill.ts';
import { partition } from './partition.ts';
import { partitionOneway } from './partition-oneway.ts';

const NETWORK: readonly Fault[] = [partition, partitionOneway];
const OTHERS: readonly Fault[] = [kill, freeze, agentKill, agentFreeze, guardFreeze, dbFreeze];
const HOW_MANY = 4;
const LONGEST_PAUSE_MS = 3_000;

export const swarm: Fault = {
  sentence: () => `${HOW_MANY} faults of the others, drawn by chance, on members drawn by chance, overlapping`,
  hits: 'anything',
  needs: ['three-members'],
  primary: 'may move',
  outage: { ttls: 4, ms: 20_000 },
  toleratedOverlapMs: 250,
  lasts: { ttls: 2, ms: 0 },
  settles: { ttls: 2, ms: 30_000 },
  inflict: async (scene) => {
    const { lab, random, progress } = scene;
    const drawn = <T>(from: readonly T[]): T => {
      const found = from[Math.floor(random() * from.length)];
      if (found === undefined) throw new Error('there is nothing to draw from');
      return found;
    };
    const undos: Undo[] = [];
    const possible = [...OTHERS, ...(lab.capabilities.has('network') ? NETWORK : [])];
    // One etcd server can be missing and no more: without a majority nothing is promised but that nothing is lost.
    if (lab.etcd.endpoints.length > 2 && random() < 0.5) undos.push(await etcdLeaderKill.inflict(scene));
    const names = lab.members.map(({ name }) => name);
    const undoAll: Undo = async () => {
      for (const undo of undos.splice(0)) await undo();
    };
    try {
      for (let count = 0; count < HOW_MANY; count += 1) {
        const fault = drawn(possible);
        const victim = drawn(names);
        progress(`  ${fault.sentence(victim)}`);
        const replicas = names.filter((name) => name !== victim);
        undos.push(await fault.inflict({ ...scene, primary: victim, replicas }));
        await pause(random() * LONGEST_PAUSE_MS);
      }
    } catch (error) {
      await undoAll();
      throw error;
    }
    return undoAll;
  },
};
