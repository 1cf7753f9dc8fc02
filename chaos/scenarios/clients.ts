import { readIds } from '../checks/equality.ts';
import type { Engine } from '../engines/engine.ts';
import type { Lab } from '../lab/lab.ts';
import { prepareAwkward, startAwkward } from '../workload/awkward.ts';
import { prepareBank, startBank } from '../workload/bank.ts';
import type { Companion } from '../workload/companion.ts';
import type { Session } from '../workload/dialect.ts';
import { prepareLists, startLists } from '../workload/lists.ts';
import { startWorkload, type Workload } from '../workload/workload.ts';
import { randomFrom } from './random.ts';

/** Everybody who uses the database during a scenario. */
export interface Clients {
  readonly workload: Workload;
  readonly companions: readonly Companion[];
  stop(): Promise<void>;
}

/** New connections cost a server far more than writes: as many as could be made would be a fault of their own. */
const FRESH_EVERY_MS = 100;
const EMPTY_MS = 30_000;

const prepare = async (session: Session, all: boolean): Promise<void> => {
  await session.createTable();
  if (!all) return;
  await prepareBank(session);
  await prepareLists(session);
  await prepareAwkward(session);
};

/** Waits until a member shows the new, empty table: ids of an earlier run that it still shows would pass for this one's. */
const waitForEmpty = (lab: Lab, { dialect }: Engine, name: string): Promise<boolean> =>
  lab.waitFor(
    `${name} shows the new, empty table`,
    async () => (await readIds(lab.member(name), dialect).catch(() => undefined))?.length === 0,
    { deadlineMs: EMPTY_MS },
  );

/**
 * Makes the tables anew on the primary and begins to write to every member and through the proxy. `all`: every workload
 * of the catalogue, not only the writers.
 */
export const startClients = async (options: {
  readonly lab: Lab;
  readonly engine: Engine;
  readonly primary: string;
  readonly all: boolean;
  readonly seed: number;
}): Promise<Clients> => {
  const { lab, all } = options;
  const { dialect } = options.engine;
  await lab.prepareWriter(options.primary);
  const session = await dialect.connect(lab.member(options.primary), 2_000);
  try {
    await prepare(session, all);
  } finally {
    session.destroy();
  }
  for (const { name } of lab.members) await waitForEmpty(lab, options.engine, name);
  const proxy = lab.proxy === undefined ? undefined : { host: lab.proxy.host, port: lab.proxy.primaryPort };
  const workload = startWorkload({
    dialect,
    members: lab.members,
    proxy,
    journal: `${lab.dir}/writes.jsonl`,
    ...(all ? { freshEveryMs: FRESH_EVERY_MS } : {}),
  });
  const { members } = lab;
  const base = { dialect, members, primary: proxy ?? lab.member(options.primary), random: randomFrom(options.seed) };
  const { nextId, record } = workload;
  const companions = all ? [startBank(base), startLists(base), startAwkward({ ...base, nextId, record })] : [];
  return {
    workload,
    companions,
    stop: async () => {
      await Promise.all(companions.map((companion) => companion.stop()));
      await workload.stop();
    },
  };
};
