import type { Source } from '../../core/database.ts';
import { StepError } from '../../core/errors.ts';
import type { Step } from '../../ports/database.ts';
import type { GuardTarget } from '../../ports/guard.ts';
import { endBlockers } from './blockers.ts';
import { budgetOf, type Budget } from '../engine/budget.ts';
import { fence } from './fence.ts';
import { ensureOwnSlot } from './own-slot.ts';
import type { Parts } from './parts.ts';
import { receiving, untilIdle } from './receiving.ts';
import { startStopped } from './start-stopped.ts';

/** How long a reload may take until the receiver is ended by hand (A9). */
const RELOAD_GRACE = 300;
/** A startup process that waits for sessions looks for them again at most every second. */
const CONFLICT_GRACE = 1_500;

const endReceiver = async (parts: Parts, budget: Budget): Promise<void> => {
  const { pid } = await receiving(parts, budget);
  const { processes } = parts.site.options;
  const server = await parts.postmaster.find();
  const found = pid === undefined ? undefined : processes.find(pid);
  if (found !== undefined && found.ppid === server?.pid) processes.signal(found, 'SIGTERM');
};

/**
 * Receives from nobody any more, verified. A reload alone may do nothing while replay waits for a session (A9); then the
 * receiver is ended, then the sessions, and at last the whole server, which comes back without a source.
 */
const detach = async (parts: Parts, target: GuardTarget, budget: Budget): Promise<void> => {
  if (await untilIdle(parts, budget, RELOAD_GRACE)) return;
  await endReceiver(parts, budget);
  if (await untilIdle(parts, budget, RELOAD_GRACE)) return;
  await endBlockers(parts, budget.part(1_000));
  if (await untilIdle(parts, budget, CONFLICT_GRACE)) return;
  await fence(parts, target, budget.part());
  await startStopped(parts, target, { ...budget.part(), source: undefined });
};

const attach = async (parts: Parts, source: Source, budget: Budget): Promise<void> => {
  const attached = async (): Promise<true | undefined> => {
    const now = await receiving(parts, budget);
    return now.host === source.host && now.port === source.port ? true : undefined;
  };
  await ensureOwnSlot(parts.site, source, budget.part());
  if ((await budget.poll(20, RELOAD_GRACE, attached)) === true) return;
  const now = await receiving(parts, budget);
  if (now.pid !== undefined && now.host !== undefined && (await attached()) === undefined)
    await endReceiver(parts, budget);
};

/**
 * Makes a running replica take its log from `source`, now and after every later start. With a source it does not wait for the
 * stream: the source may not be reachable yet. Without one it ends only when nothing is received any more; throws
 * `StepError` `timed-out` where that cannot be had in time.
 */
export const follow = async (
  parts: Parts,
  target: GuardTarget,
  order: Step & { readonly source: Source | undefined },
): Promise<void> => {
  const { site, settings, configuration, control, postmaster } = parts;
  const { processes, clock } = site.options;
  const budget = budgetOf(clock, order);
  const server = await postmaster.find();
  if (server === undefined)
    throw new StepError('refused', `changing the source of ${site.options.dataDir}: the database does not run`);
  const next = await settings.set({ source: order.source });
  const { changed } = await configuration.write(next, await control.read(budget.part()), budget.part());
  const now = await receiving(parts, budget);
  if (!now.recovering) throw new StepError('refused', 'changing the source: the database is a primary; stop it first');
  processes.signal(server, 'SIGHUP');
  if (order.source === undefined) return detach(parts, target, budget);
  if (changed || now.host !== order.source.host || now.port !== order.source.port)
    await attach(parts, order.source, budget);
};
