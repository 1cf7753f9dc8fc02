import { StepError } from '../../core/errors.ts';
import type { Position } from '../../core/position.ts';
import type { Step } from '../../ports/database.ts';
import type { GuardTarget } from '../../ports/guard.ts';
import { cleanAutoConf } from './auto-conf.ts';
import { budgetOf, type Budget } from '../engine/budget.ts';
import { endReceiving } from './end-receiving.ts';
import { parseLsn, type Lsn } from './lsn.ts';
import type { Parts } from './parts.ts';
import { toPosition } from './positions.ts';
import { receiving } from './receiving.ts';
import { writeSettings } from './reload.ts';

/** How long replay may take to come to the end of what was received, which makes the position the same after a restart. */
const REPLAY_GRACE = 300;

const ENDS = `
  select pg_last_wal_receive_lsn() as received, pg_last_wal_replay_lsn() as applied,
         (select system_identifier::text from pg_control_system()) as id`;

interface End {
  readonly systemId: string;
  readonly timeline: number;
  readonly lsn: Lsn;
}

/**
 * The end of everything received. Replayed to the end, it is that of the last whole record. While replay lags, the server's answer counts
 * as soon as it covers what was received: it leaves out what lies on a timeline that replay has not come to.
 */
const endOfReceived = async (parts: Parts, budget: Budget): Promise<End> => {
  const ask = async (whole: boolean): Promise<End | undefined> => {
    const { idle } = await receiving(parts, budget);
    const { timeline, lsn } = await parts.admin.identify(budget.part());
    const [row] = await parts.admin.rows(budget.part(), ENDS);
    const systemId = row?.['id'] ?? '';
    const applied = parseLsn(row?.['applied'] ?? undefined);
    const received = parseLsn(row?.['received'] ?? undefined);
    if (idle && applied !== undefined) return { systemId, timeline, lsn: applied };
    return !whole && received !== undefined && lsn >= received ? { systemId, timeline, lsn } : undefined;
  };
  const found =
    (await budget.poll(10, REPLAY_GRACE, () => ask(true))) ?? (await budget.poll(50, budget.left(), () => ask(false)));
  if (found !== undefined) return found;
  throw new StepError(
    'timed-out',
    `finding the end of the log in ${parts.site.options.dataDir}: replay has not come to the last timeline that was received`,
  );
};

/**
 * Receives from nobody until the next `follow`, also after a restart of the database (rule D11; 07-review A9, C5, C6), and returns the end
 * of everything received. Idempotent. Throws `StepError`: `refused` unless a replica runs, `timed-out`.
 */
export const stopReceiving = async (
  parts: Parts,
  target: GuardTarget,
  step: Step,
): Promise<{ readonly position: Position }> => {
  const { site, histories, postmaster } = parts;
  const budget = budgetOf(site.options.clock, step);
  if ((await postmaster.find()) === undefined)
    throw new StepError('refused', `ending the stream to ${site.options.dataDir}: the database does not run; start it`);
  if (!(await receiving(parts, budget)).recovering)
    throw new StepError('refused', `ending the stream to ${site.options.dataDir}: the database is a primary`);
  await cleanAutoConf(site, site.options.dataDir);
  const { revision } = await writeSettings(parts, { source: undefined, demand: undefined }, budget);
  await endReceiving(parts, target, revision, budget);
  const end = await endOfReceived(parts, budget);
  return { position: toPosition(await histories.reach(end.systemId, end.timeline, end.lsn)) };
};
