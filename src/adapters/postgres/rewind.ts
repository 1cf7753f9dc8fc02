import type { Source } from '../../core/database.ts';
import { StepError } from '../../core/errors.ts';
import type { Step } from '../../ports/database.ts';
import type { GuardTarget } from '../../ports/guard.ts';
import { cleanAutoConf } from './auto-conf.ts';
import { toolConninfo } from './conninfo.ts';
import type { ControlFile } from './control-file.ts';
import { budgetOf, type Budget } from '../engine/budget.ts';
import { tailOf } from '../engine/failures.ts';
import { meaningOf, succeeded } from './failures.ts';
import { keepLostTail, type Fork } from './lost-tail.ts';
import { parseLsn } from './lsn.ts';
import { markFinished, markUnfinished, unfinished } from '../engine/markers.ts';
import type { Parts } from './parts.ts';
import { writeSettings } from './reload.ts';
import { withSource } from './source-session.ts';
import { startStopped } from './start-stopped.ts';
import { stop } from './stop.ts';

const CLEAN: ReadonlySet<string> = new Set(['shut down', 'shut down in recovery']);

const SOURCE_READY = `
  select case when pg_is_in_recovery() then 'replica'
              when (select timeline_id from pg_control_checkpoint())
                 = ('x' || substr(pg_walfile_name(pg_current_wal_lsn()), 1, 8))::bit(32)::int then 'ready'
              else 'checkpoint-missing' end as state,
         (select system_identifier::text from pg_control_system()) as id`;

/** Why a rewind would not work; empty when it would. */
export const obstacles = (control: ControlFile | undefined): readonly string[] => {
  if (control === undefined) return ['the control file was not read yet'];
  return control.checksums || control.walLogHints
    ? []
    : ['data checksums are off and wal_log_hints was off when the database last ran: changed pages cannot be found'];
};

const explainSource = (from: Source): string => `${from.member} (${from.host}:${from.port})`;

/** Waits until the source's control file shows its newest timeline: before, pg_rewind would see no fork at all. */
const awaitSource = async (parts: Parts, from: Source, systemId: string, budget: Budget): Promise<void> => {
  const { site } = parts;
  const { rewindFromStandby } = await site.dialect(budget.part());
  const found = await withSource(site.options, from, 'rewind', budget, (session) =>
    budget.poll(100, budget.left() / 2, async () => {
      const [row] = await session.rows(budget.part(), SOURCE_READY);
      if (row?.['id'] !== systemId)
        throw new StepError(
          'other-cluster',
          `rewinding to ${explainSource(from)}: its system identifier is ${row?.['id']}, not ${systemId}`,
        );
      if (row['state'] === 'replica' && !rewindFromStandby)
        throw new StepError(
          'cannot-rewind',
          `rewinding to ${explainSource(from)}: it is a replica, which this version cannot rewind to`,
        );
      return row['state'] === 'checkpoint-missing' ? undefined : true;
    }),
  );
  if (found === undefined)
    throw new StepError(
      'timed-out',
      `rewinding to ${explainSource(from)}: it has not completed a checkpoint of its timeline yet`,
    );
};

/** A crashed server recovers first: without a source, as a replica, so that it never takes a write. */
const endCleanly = async (parts: Parts, target: GuardTarget, budget: Budget): Promise<ControlFile> => {
  const { control, site } = parts;
  const found = await control.read(budget.part());
  const running = await parts.postmaster.find();
  if (found !== undefined && running === undefined && CLEAN.has(found.state)) return found;
  await startStopped(parts, target, { ...budget.part(), source: undefined });
  await stop(parts, budget.part(), () => undefined);
  const ended = await control.read(budget.part());
  if (ended === undefined || !CLEAN.has(ended.state))
    throw new StepError(
      'cannot-rewind',
      `${site.options.dataDir} could not be brought to a clean end: ${ended?.state ?? 'no control file'}`,
    );
  return ended;
};

const forkOf = (output: string): Fork | undefined => {
  const found = /servers diverged at WAL location ([0-9A-F]+\/[0-9A-F]+) on timeline (\d+)/i.exec(output);
  const lsn = parseLsn(found?.[1]);
  return lsn === undefined ? undefined : { lsn, timeline: Number(found?.[2]) };
};

const rewindArguments = async (parts: Parts, from: Source, budget: Budget): Promise<readonly string[]> => {
  const { options, paths } = parts.site;
  const { rewindConfigFile } = await parts.site.dialect(budget.part());
  const restorable = options.restoreCommand !== undefined && rewindConfigFile;
  return [
    `--target-pgdata=${options.dataDir}`,
    `--source-server=${toolConninfo(options, paths.passfile, from, 'rewind')}`,
    ...(restorable ? ['--restore-target-wal', `--config-file=${paths.conf}`] : []),
  ];
};

/**
 * Takes the stopped database back to where it parted from `from`, so that it can follow. A dry run finds every obstacle before
 * anything is touched; then the dropped end of the log is kept aside, and a marker stands while pages are written, so that
 * an interrupted rewind is cloned anew. Throws `StepError`: `cannot-rewind`, `other-cluster`, `wrong-password`, `timed-out`.
 */
export const rewind = async (
  parts: Parts,
  target: GuardTarget,
  order: Step & { readonly from: Source },
): Promise<void> => {
  const { site, histories } = parts;
  const { options, files, paths } = site;
  const { from } = order;
  const budget = budgetOf(options.clock, order);
  site.endOrphans();
  const what = `rewinding ${options.name} to ${explainSource(from)}`;
  if ((await unfinished(site)) !== undefined)
    throw new StepError('cannot-rewind', `${what}: a step was interrupted before, so this is no database; clone it`);
  const control = await endCleanly(parts, target, budget);
  const [obstacle] = obstacles(control);
  if (obstacle !== undefined) throw new StepError('cannot-rewind', `${what}: ${obstacle}`);
  const { rewindSeesLastTimeline } = await site.dialect(budget.part());
  // Promoted and killed before its first checkpoint: pg_rewind would take the old timeline for its end, and find no fork.
  if (!rewindSeesLastTimeline && control.minRecoveryTimeline > control.checkpointTimeline)
    throw new StepError(
      'cannot-rewind',
      `${what}: its log ends on timeline ${control.minRecoveryTimeline} and its last checkpoint is on timeline ` +
        `${control.checkpointTimeline}, which pg_rewind of this version would take for its end; clone it`,
    );
  await awaitSource(parts, from, control.systemId, budget);

  await writeSettings(parts, { source: from, demand: undefined }, budget);
  const args = await rewindArguments(parts, from, budget);
  const trial = await site.run('pg_rewind', [...args, '--dry-run'], budget.part());
  if (trial.kind === 'exited' && trial.code !== 0) {
    const meaning = meaningOf(trial.stderr);
    throw new StepError(meaning === 'failed' ? 'cannot-rewind' : meaning, `${what}: ${tailOf(trial.stderr)}`);
  }
  const output = succeeded(what, trial);
  const fork = forkOf(output.stderr + output.stdout);
  if (!/no rewind required/.test(output.stderr + output.stdout)) {
    if (fork !== undefined) await keepLostTail(site, fork, control, budget);
    await markUnfinished(site, 'rewind');
    succeeded(what, await site.runWriter('pg_rewind', args, budget.part()));
    histories.forget();
  }
  await cleanAutoConf(site, options.dataDir);
  await files.write(paths.replicaMark, '');
  await markFinished(site);
};
