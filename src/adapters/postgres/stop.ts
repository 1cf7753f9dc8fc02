import { StepError } from '../../core/errors.ts';
import type { Position } from '../../core/position.ts';
import type { Step } from '../../ports/database.ts';
import type { ProcessInfo } from '../../ports/processes.ts';
import { budgetOf, type Budget } from '../engine/budget.ts';
import type { Parts } from './parts.ts';
import { toPosition } from './positions.ts';
import { gone } from '../engine/server-end.ts';
import { stoppedReach } from './stopped-view.ts';
import type { Streams } from './streams.ts';

/** Share of the step's time after which a replica that does not confirm the last record holds nobody up any more (C10). */
const PATIENCE_WITH_SENDERS = 0.4;

/** Receivers say something every second; one that has not for so long would hold the stop up for nothing. */
const HUNG = 3_000;

/** Processes that send the log. Asked for while the server still answers: during its shutdown nobody can ask. */
const senders = async (parts: Parts, budget: Budget): Promise<readonly ProcessInfo[]> => {
  const { processes } = parts.site.options;
  const sql = `select pid from pg_stat_activity where backend_type = 'walsender'`;
  const rows = await parts.admin.rows(budget.part(500), sql).catch(() => []);
  return rows.flatMap((row) => processes.find(Number(row['pid'])) ?? []);
};

/**
 * Ends the server cleanly: sessions are ended, the last record is written and sent. A replica that has said nothing lately is not
 * waited for, and any other only for a share of the time. Returns the end of the log. Throws `StepError` `timed-out` when the server is still there: fence it.
 */
export const stop = async (
  parts: Parts,
  step: Step,
  receiverHeardAgoMs: Streams['receiverHeardAgoMs'],
): Promise<{ readonly finalPosition: Position | undefined }> => {
  const { site, postmaster, control, histories, admin } = parts;
  const { processes, clock, dataDir, log } = site.options;
  const budget = budgetOf(clock, step);
  const server = await postmaster.find();
  if (server !== undefined) {
    const sending = await senders(parts, budget);
    for (const each of sending)
      if ((receiverHeardAgoMs(each.pid) ?? 0) > HUNG && processes.signal(each, 'SIGTERM'))
        log.warn('database.sender_ended', 'a replica that says nothing must not hold the stop up', {
          sender: each.pid,
        });
    admin.reset();
    processes.signal(server, 'SIGINT');
    if (!(await gone(site, server, budget, budget.left() * PATIENCE_WITH_SENDERS))) {
      const ended = sending.filter((each) => processes.signal(each, 'SIGTERM')).length;
      log.warn('database.senders_ended', 'replicas that did not confirm the last record held the stop up', { ended });
    }
    if (!(await gone(site, server, budget, budget.left())))
      throw new StepError(
        'timed-out',
        `stopping PostgreSQL (pid ${server.pid}) in ${dataDir}: not done within ${Math.round(step.timeout)} ms; fence it`,
      );
  }
  await site.files.write(site.paths.replicaMark, '');
  const found = await control.read(step);
  const reach = found === undefined ? undefined : await stoppedReach(found, histories);
  return { finalPosition: reach === undefined ? undefined : toPosition(reach) };
};
