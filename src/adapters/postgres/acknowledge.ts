import type { Acknowledgement } from '../../core/database.ts';
import { StepError } from '../../core/errors.ts';
import type { Step } from '../../ports/database.ts';
import { cleanAutoConf } from './auto-conf.ts';
import { budgetOf, type Budget } from '../engine/budget.ts';
import type { Parts } from './parts.ts';
import { reload, writeSettings, type Reloaded } from './reload.ts';
import type { PostgresSettings } from './settings.ts';
import { goesBy, sendersSince, type Sender } from './senders.ts';
import { checkpointerSettled, senderSettled } from './settled.ts';
import { demandOf, markedPriority, satisfies, standbyNames, TURNS, type Demand } from './standby-names.ts';
import { endBackend, nudgeWaiters, untilCommitsWait } from './sync-wait.ts';

type Voters = Extract<Demand, { kind: 'any' }>;

/** How long commits are helped along that wait for what is not demanded any more. */
const HELP = 500;

/** Writes a demand where the server reads it, and sees to it that it is read and that nothing stronger than our file stands against it. */
const demand = async (
  parts: Parts,
  wanted: Demand,
  budget: Budget,
  more: Pick<Partial<PostgresSettings>, 'source'> = {},
): Promise<Reloaded> => {
  const { site } = parts;
  await cleanAutoConf(site, site.options.dataDir);
  const { revision } = await writeSettings(parts, { ...more, demand: wanted }, budget);
  const read = await reload(parts, revision, budget);
  if (read.names === standbyNames(wanted)) return read;
  throw new StepError(
    'refused',
    `synchronous_standby_names of ${site.options.dataDir} is '${read.names}' whatever the agent writes: take it off the command line, ` +
      'or out of the file that sets it last (pg_settings tells which)',
  );
};

/** A turn that no sender shows the places of: what is shown afterwards was read afterwards. */
const nextTurn = async (parts: Parts, wanted: Voters, budget: Budget): Promise<number> => {
  const last = (await parts.settings.get()).turn;
  const shown = await sendersSince(parts, 'infinity', budget);
  const candidates = Array.from({ length: TURNS }, (_, at) => (last + 1 + at) % TURNS);
  const free = candidates.find((turn) =>
    shown.every(
      ({ name, priority }) => priority === 0 || priority !== markedPriority({ ...wanted, kind: 'marked', turn }, name),
    ),
  );
  const turn = free ?? (last + 1) % TURNS;
  await parts.settings.set({ turn });
  return turn;
};

/**
 * Has every sender go by the new voters and number, proven one by one: acknowledgements are counted by each sender with its own copy
 * of the setting, and one that has not reloaded goes on counting by the old (07-review A8, E2). On the way as much or more is demanded.
 */
const convince = async (parts: Parts, wanted: Voters, budget: Budget): Promise<void> => {
  const marked = { ...wanted, kind: 'marked', turn: await nextTurn(parts, wanted, budget) } as const;
  const { at } = await demand(parts, marked, budget);
  let behind: readonly string[] = [];
  const all = await budget.poll(10, budget.left(), async () => {
    behind = (await sendersSince(parts, at, budget))
      .filter((sender) => !goesBy(marked, sender))
      .map((s) => `${s.name} (pid ${s.pid})`);
    return behind.length === 0 ? true : undefined;
  });
  if (all === undefined)
    throw new StepError(
      'timed-out',
      `demanding ${wanted.acks} of ${wanted.voters.join(', ')}: the senders to ${behind.join(', ')} have not reloaded; they may still ` +
        'count acknowledgements as before',
    );
  await demand(parts, wanted, budget);
};

/** From nothing, or from nobody knows what: first no commit ends at all, and one is seen waiting (07-review A8, E1). */
const begin = async (parts: Parts, wanted: Voters, budget: Budget): Promise<void> => {
  await demand(parts, { kind: 'nobody' }, budget);
  await parts.admin.once(
    budget.part(),
    async (session) => {
      try {
        await untilCommitsWait(parts, session, budget);
        if (!(await isRemembered(parts))) {
          await settled(parts, budget);
          await remember(parts);
        }
        await convince(parts, wanted, budget);
      } finally {
        await endBackend(parts, session);
      }
    },
    { settings: { synchronous_commit: 'on', statement_timeout: '0' } },
  );
};

const settled = async (parts: Parts, budget: Budget): Promise<void> => {
  if (await checkpointerSettled(parts, budget, budget.left())) return;
  throw new StepError(
    'timed-out',
    `the checkpointer of ${parts.site.options.dataDir} has not reloaded: whether commits wait may change when it does`,
  );
};

/** Waiting is switched on in the server that runs now, and stays so until nothing is demanded. */
const remember = async (parts: Parts): Promise<void> => {
  const server = await parts.postmaster.find();
  if (server !== undefined) await parts.settings.set({ waiting: { pid: server.pid, startTime: server.startTime } });
};

const isRemembered = async (parts: Parts): Promise<boolean> => {
  const { waiting } = await parts.settings.get();
  const server = await parts.postmaster.find();
  return waiting !== undefined && waiting.pid === server?.pid && waiting.startTime === server.startTime;
};

/** A sender that has not heeded the reload by then is ended: its receiver comes back to one that has. */
const SENDER_GRACE = 300;

/**
 * Replicas of this replica are served by senders that go on through the promotion. Each that began before `at` must have read what is
 * demanded now, or be gone: it would count acknowledgements by what it read before.
 */
const settleSenders = async (parts: Parts, at: string, budget: Budget): Promise<void> => {
  const late = async (): Promise<readonly Sender[]> => {
    const old = (await sendersSince(parts, at, budget)).filter(({ young }) => !young);
    const settledOnes = await Promise.all(old.map(({ pid }) => senderSettled(parts, pid, budget)));
    return old.filter((_, index) => settledOnes[index] !== true);
  };
  const none = async (): Promise<true | undefined> => ((await late()).length === 0 ? true : undefined);
  if ((await budget.poll(10, SENDER_GRACE, none)) === true) return;
  const { processes } = parts.site.options;
  const server = await parts.postmaster.find();
  for (const { pid } of await late()) {
    const found = processes.find(pid);
    if (found !== undefined && found.ppid === server?.pid) processes.signal(found, 'SIGTERM');
  }
  if ((await budget.poll(20, budget.left(), none)) === true) return;
  throw new StepError(
    'timed-out',
    `demanding acknowledgements in ${parts.site.options.dataDir}: a sender to a replica of this replica has not reloaded and does not end`,
  );
};

/**
 * Before a promotion: the switch must be on, and whoever counts after it must count by this. Nobody is followed any more: the last
 * source may be about to follow this one.
 */
const prepare = async (parts: Parts, wanted: Demand, budget: Budget): Promise<void> => {
  const { at } = await demand(parts, wanted, budget, { source: undefined });
  await settleSenders(parts, at, budget);
  if (wanted.kind === 'none' || (await isRemembered(parts))) return;
  await settled(parts, budget);
  await remember(parts);
};

/**
 * Makes the database demand `wanted` of every commit and proves it (rule D7, 07-review A8). Idempotent: called again after a crash in
 * the middle, with `from` undefined, it proves everything anew. Throws `StepError`: `timed-out` where something has not followed yet
 * (then either may be in force), `refused`.
 */
export const acknowledge = async (
  parts: Parts,
  order: Step & { readonly from: Acknowledgement | undefined; readonly wanted: Acknowledgement },
): Promise<void> => {
  const { from, wanted } = order;
  const budget = budgetOf(parts.site.options.clock, order);
  const next = demandOf(wanted);
  if ((await parts.postmaster.find()) === undefined)
    throw new StepError(
      'refused',
      `demanding acknowledgements in ${parts.site.options.dataDir}: the database does not run`,
    );
  const [row] = await parts.admin.rows(budget.part(), 'select pg_is_in_recovery() as replica');
  if (row?.['replica'] === 't') return prepare(parts, next, budget);
  if (next.kind !== 'any') {
    await demand(parts, next, budget);
    return settled(parts, budget);
  }
  if (from === undefined || from.acks === 0 || !(await isRemembered(parts))) await begin(parts, next, budget);
  else if (satisfies(from, wanted)) await demand(parts, next, budget);
  else await convince(parts, next, budget);
  await nudgeWaiters(parts, budget, HELP);
};
