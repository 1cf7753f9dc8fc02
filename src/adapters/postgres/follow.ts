import type { Source } from '../../core/database.ts';
import { StepError } from '../../core/errors.ts';
import type { Step } from '../../ports/database.ts';
import type { GuardTarget } from '../../ports/guard.ts';
import { budgetOf, type Budget } from '../engine/budget.ts';
import { endReceiver, endReceiving } from './end-receiving.ts';
import { ensureOwnSlot } from './own-slot.ts';
import type { Parts } from './parts.ts';
import { receiving } from './receiving.ts';
import { writeSettings } from './reload.ts';

/** How long a reload may take until the receiver is ended by hand. */
const RELOAD_GRACE = 300;

const attach = async (parts: Parts, source: Source, budget: Budget): Promise<void> => {
  const attached = async (): Promise<true | undefined> => {
    const now = await receiving(parts, budget);
    return now.host === source.host && now.port === source.port ? true : undefined;
  };
  await ensureOwnSlot(parts.site, source, budget.part());
  if ((await budget.poll(20, RELOAD_GRACE, attached)) === true) return;
  const now = await receiving(parts, budget);
  if (now.pid !== undefined && now.host !== undefined && (await attached()) === undefined)
    await endReceiver(parts, now.pid);
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
  const { site, postmaster } = parts;
  const { processes, clock } = site.options;
  const budget = budgetOf(clock, order);
  const server = await postmaster.find();
  if (server === undefined)
    throw new StepError('refused', `changing the source of ${site.options.dataDir}: the database does not run`);
  const now = await receiving(parts, budget);
  if (!now.recovering) throw new StepError('refused', 'changing the source: the database is a primary; stop it first');
  const { changed, revision } = await writeSettings(parts, { source: order.source, demand: undefined }, budget);
  if (order.source === undefined) return endReceiving(parts, target, revision, budget);
  processes.signal(server, 'SIGHUP');
  if (changed || now.host !== order.source.host || now.port !== order.source.port)
    await attach(parts, order.source, budget);
};
