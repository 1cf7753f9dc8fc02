import type { Proc } from '../lab/proc.ts';
import { pause } from '../lab/wait.ts';
import { firstReplica } from './choosing.ts';
import { nothingToUndo, type Need, type Scene, type Undo } from './fault.ts';

/** A member in the middle of something. */
export interface Caught {
  readonly member: string;
  /** The database's part in it: its postmaster, or the program that works on its data. */
  readonly database: readonly Proc[];
  readonly undo: Undo;
}

/** Something that members do and that takes a moment. */
export interface State {
  /** What the member that is struck is doing, for people. */
  readonly sentence: string;
  readonly needs: readonly Need[];
  /** Brings a healthy cluster into the state and returns as soon as it is seen. */
  readonly enter: (scene: Scene) => Promise<Caught>;
}

const SEEN_MS = 60_000;
/** Most of these states are over in a fraction of a second. */
const EVERY_MS = 2;
/** Long enough for several writes, too short for anybody to take the silence for a fault. */
const UNSENT_MS = 400;

const keyHolder = async ({ lab }: Scene): Promise<string | undefined> => {
  const { keys } = await lab.etcd.client.range(`/haagent/${lab.cluster}/leader`);
  return keys[0]?.value;
};

const newHolder = (scene: Scene): Promise<string> =>
  scene.lab.waitFor(
    `another member than ${scene.primary} holds the leader key`,
    async () => {
      const holder = await keyHolder(scene);
      return holder === scene.primary ? undefined : holder;
    },
    { deadlineMs: SEEN_MS, everyMs: EVERY_MS },
  );

const postmasterOf = ({ lab }: Scene, member: string): readonly Proc[] => lab.processes(member, 'postmaster');

/** Waits for a program that works on the member's data. */
const program = ({ lab }: Scene, member: string, what: string, is: (proc: Proc) => boolean): Promise<readonly Proc[]> =>
  lab.waitFor(
    `${member} ${what}`,
    () => {
      const found = lab.processes(member, 'all').filter(is);
      return Promise.resolve(found.length > 0 ? found : undefined);
    },
    { deadlineMs: SEEN_MS, everyMs: EVERY_MS },
  );

/** Orders something with haagentctl; the undoing waits until the command has ended, however it ends. */
const order = (scene: Scene, args: readonly string[]): Undo => {
  const ordered = scene.lab.ctl(args);
  return async () => {
    const { code } = await ordered;
    scene.progress(`haagentctl ${args[0]} ended with ${code}`);
  };
};

/** Loses the primary's host; the undoing starts it again. */
const loseHost = async ({ lab, primary }: Scene): Promise<Undo> => {
  await lab.kill(primary, 'all');
  return () => lab.startMember(primary);
};

const promotion: State = {
  sentence: 'the new leader, which holds the key and is about to promote its database',
  needs: [],
  enter: async (scene) => {
    const undo = await loseHost(scene);
    const member = await newHolder(scene);
    return { member, database: postmasterOf(scene, member), undo };
  },
};

/** The senders are held first, so that the last writes reach nobody and the logs part. */
const rewind: State = {
  sentence: 'a former primary that rewinds its data to rejoin',
  needs: [],
  enter: async (scene) => {
    const { lab, engine, primary } = scene;
    for (const { pid } of lab.processes(primary, 'database').filter((proc) => engine.sendsLog(proc)))
      process.kill(pid, 'SIGSTOP');
    await pause(UNSENT_MS);
    const undo = await loseHost(scene);
    await lab.waitForLeader({ not: primary, deadlineMs: SEEN_MS });
    await undo();
    const database = await program(scene, primary, 'rewinds its data', (proc) => engine.rewindsData(proc));
    return { member: primary, database, undo: nothingToUndo };
  },
};

const clone: State = {
  sentence: 'a replica that copies its data anew',
  needs: ['haagentctl'],
  enter: async (scene) => {
    const member = firstReplica(scene);
    const undo = order(scene, ['reinit', member, '--from-leader', '--confirm', member]);
    const database = await program(scene, member, 'copies its data', (proc) => scene.engine.copiesData(proc));
    return { member, database, undo };
  },
};

const start: State = {
  sentence: 'a primary whose database crashed and is being started again',
  needs: [],
  enter: async (scene) => {
    const { lab, primary } = scene;
    const before = postmasterOf(scene, primary).map(({ pid }) => pid);
    await lab.kill(primary, 'database');
    const database = await lab.waitFor(
      `the database of ${primary} is started again`,
      () => {
        const found = postmasterOf(scene, primary).filter(({ pid }) => !before.includes(pid));
        return Promise.resolve(found.length > 0 ? found : undefined);
      },
      { deadlineMs: SEEN_MS, everyMs: EVERY_MS },
    );
    return { member: primary, database, undo: nothingToUndo };
  },
};

/** The server has told its clients to go and has not ended yet. */
const stopping = (scene: Scene): Promise<readonly Proc[]> =>
  scene.lab.waitFor(
    `the database of ${scene.primary} stops`,
    () => {
      const clients = scene.lab.processes(scene.primary, 'database').filter((proc) => scene.engine.servesClients(proc));
      return Promise.resolve(clients.length === 0 ? postmasterOf(scene, scene.primary) : undefined);
    },
    { deadlineMs: SEEN_MS, everyMs: EVERY_MS },
  );

const stop: State = {
  sentence: 'a primary whose database stops gracefully, because an operator restarts it',
  needs: ['haagentctl'],
  enter: async (scene) => {
    const undo = order(scene, ['restart', scene.primary, '--yes']);
    return { member: scene.primary, database: await stopping(scene), undo };
  },
};

const handingOver: State = {
  sentence: 'the leader in a switchover, which stops its database to hand over',
  needs: ['haagentctl'],
  enter: async (scene) => {
    const undo = order(scene, ['switchover', '--yes']);
    return { member: scene.primary, database: await stopping(scene), undo };
  },
};

const handedOver: State = {
  sentence: 'the former leader in a switchover, which has just handed the key over',
  needs: ['haagentctl'],
  enter: async (scene) => {
    const undo = order(scene, ['switchover', '--yes']);
    await newHolder(scene);
    return { member: scene.primary, database: postmasterOf(scene, scene.primary), undo };
  },
};

const takingOver: State = {
  sentence: 'the candidate in a switchover, to which the key has just been handed over',
  needs: ['haagentctl'],
  enter: async (scene) => {
    const undo = order(scene, ['switchover', '--yes']);
    const member = await newHolder(scene);
    return { member, database: postmasterOf(scene, member), undo };
  },
};

/** Every state of a running cluster in which a member can be struck. */
export const states = {
  promotion,
  rewind,
  clone,
  start,
  stop,
  'handing-over': handingOver,
  'handed-over': handedOver,
  'taking-over': takingOver,
} as const satisfies Record<string, State>;

export type StateName = keyof typeof states;
