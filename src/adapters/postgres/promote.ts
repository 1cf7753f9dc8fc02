import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import { StepError } from '../../core/errors.ts';
import type { Step } from '../../ports/database.ts';
import type { GuardTarget } from '../../ports/guard.ts';
import { offerSegments } from './archive-status.ts';
import { cleanAutoConf } from './auto-conf.ts';
import { budgetOf, type Budget } from '../engine/budget.ts';
import { fence } from './fence.ts';
import { laterLsn, parseLsn, timelineOfName, type Lsn } from './lsn.ts';
import type { Parts } from './parts.ts';
import { futureTimelines, reserveTimelines, setAside } from './placeholders.ts';
import { stopServer } from './postmaster.ts';
import { writeSettings } from './reload.ts';
import { demandInForce } from './replication-parameters.ts';
import { roleStatements } from './roles.ts';
import { startStopped } from './start-stopped.ts';

/** Time kept for the fence where PostgreSQL took another number than the one reserved. */
const FENCE_RESERVE = 2_000;

/** The timeline that a primary writes; undefined while it is a replica. */
const timelineOfPrimary = async (parts: Parts, budget: Budget): Promise<number | undefined> => {
  const [row] = await parts.admin.rows(
    budget.part(),
    'select case when not pg_is_in_recovery() then pg_walfile_name(pg_current_wal_lsn()) end as file',
  );
  return timelineOfName(row?.['file'] ?? '');
};

const verify = async (parts: Parts, target: GuardTarget, timeline: number, generation: number, step: Step) => {
  if (timeline === generation) return;
  await fence(parts, target, step);
  throw new StepError(
    'generation-mismatch',
    `promoting ${parts.site.options.name}: PostgreSQL took timeline ${timeline}, ${generation} was reserved; the database was fenced`,
  );
};

/**
 * Takes archive and source out of play, so that PostgreSQL looks for timelines in its own folder only (A10). What is demanded of
 * commits now stays so until the primary is told otherwise: a change of mode alone must not make them wait.
 */
const isolate = async (parts: Parts, budget: Budget): Promise<void> => {
  const { site, postmaster, settings } = parts;
  const server = await postmaster.find();
  await writeSettings(parts, { source: undefined, demand: demandInForce(await settings.get()) }, budget);
  await cleanAutoConf(site, site.options.dataDir);
  if (server !== undefined) site.options.processes.signal(server, 'SIGHUP');
};

interface End {
  readonly timeline: number;
  readonly lsn: Lsn;
}

const endOf = async (parts: Parts, budget: Budget): Promise<End> => {
  const { timeline, lsn } = await parts.admin.identify(budget.part());
  const [row] = await parts.admin.rows(
    budget.part(),
    'select greatest(pg_last_wal_receive_lsn(), pg_last_wal_replay_lsn()) as lsn',
  );
  return { timeline, lsn: laterLsn(parseLsn(row?.['lsn'] ?? undefined), lsn) ?? lsn };
};

/**
 * Timeline and end of the log to promote from. Where the server has seen the beginning of a timeline that left its own beyond what it has (a
 * winner that was lost before it sent anything), it would continue that history; it is restarted without it (A10).
 */
const settleTimeline = async (parts: Parts, target: GuardTarget, generation: number, budget: Budget): Promise<End> => {
  const { site, postmaster } = parts;
  const end = await endOf(parts, budget);
  if (generation <= end.timeline)
    throw new StepError(
      'refused',
      `promoting to timeline ${generation}: the database is on timeline ${end.timeline} already`,
    );
  const future = await futureTimelines(site, end.timeline, end.lsn);
  if (future.length === 0) return end;
  site.options.log.warn(
    'database.foreign_history',
    'timelines that this log is not part of are set aside; restarting',
    {
      timelines: future,
    },
  );
  const server = await postmaster.find();
  parts.admin.reset();
  if (server !== undefined) await stopServer(site, server, budget);
  await setAside(site, future);
  await startStopped(parts, target, { ...budget.part(), source: undefined, ownTimelineOnly: true });
  const again = await endOf(parts, budget);
  if (again.timeline !== end.timeline || again.lsn < end.lsn)
    throw new StepError(
      'refused',
      `promoting ${site.options.name}: its log does not reach as far after a restart as before`,
    );
  return again;
};

/** Hands the log of the lost primary to the archiver; without a readable control file its pieces cannot be told from segments. */
const offer = async ({ site, control, histories }: Parts, { timeline, lsn }: End, budget: Budget): Promise<void> => {
  const segmentSize = (control.last() ?? (await control.read(budget.part())))?.segmentSize;
  if (segmentSize === undefined) return;
  await offerSegments(site.options.dataDir, { timeline, lsn, history: await histories.of(timeline), segmentSize });
};

/** An adopted database may lack the agent's accounts; as soon as it takes writes they can be made. */
const repairRoles = async (parts: Parts, budget: Budget): Promise<void> => {
  if (!parts.admin.asSuperuser()) return;
  const { site, admin } = parts;
  const statements = await roleStatements(site.options.credentials, await site.dialect(budget.part()));
  await admin.once(budget.part(), async (session) => {
    for (const sql of ["set synchronous_commit to 'local'", ...statements]) await session.rows(budget.part(), sql);
  });
  admin.reset();
};

/**
 * Makes the running replica a primary on timeline `generation`, by trigger file and signal. The caller has armed the guard.
 * Done already when it is primary on that timeline. Throws `StepError`: `refused`, `timed-out` (it may still come: fence), and
 * `generation-mismatch` after fencing.
 */
export const promote = async (
  parts: Parts,
  target: GuardTarget,
  order: Step & { readonly generation: number },
): Promise<void> => {
  const { site, postmaster } = parts;
  const { dataDir, processes, clock, name } = site.options;
  const { generation } = order;
  const budget = budgetOf(clock, order);
  if ((await postmaster.find()) === undefined)
    throw new StepError('refused', `promoting ${name}: its database does not run`);
  const already = await timelineOfPrimary(parts, budget);
  if (already !== undefined) return verify(parts, target, already, generation, budget.part());

  await isolate(parts, budget);
  const end = await settleTimeline(parts, target, generation, budget);
  await reserveTimelines(site, end.timeline, generation);
  if (site.options.archive !== undefined) await offer(parts, end, budget);
  budget.check(`promoting ${name}`);

  const server = await postmaster.find();
  const trigger = join(dataDir, 'promote');
  await site.files.write(trigger, '');
  if (server === undefined || !processes.signal(server, 'SIGUSR1'))
    throw new StepError('failed', `promoting ${name}: its database ended meanwhile`);
  const timeline = await budget.poll(10, budget.left(), () => timelineOfPrimary(parts, budget));
  if (timeline === undefined) {
    await rm(trigger, { force: true });
    throw new StepError('timed-out', `promoting ${name}: still in recovery after ${Math.round(order.timeout)} ms`);
  }
  await verify(parts, target, timeline, generation, budget.part(FENCE_RESERVE));
  await repairRoles(parts, budget);
};
