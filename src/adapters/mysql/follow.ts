import type { Source } from '../../core/database.ts';
import { StepError } from '../../core/errors.ts';
import type { Step } from '../../ports/database.ts';
import { budgetOf, type Budget } from '../engine/budget.ts';
import type { Dialect, Gtids, ReceiverOrder } from './dialect.ts';
import { askFacts, type Facts } from './facts.ts';
import type { Parts } from './parts.ts';
import type { Credential } from './options.ts';
import { errnoOf } from './session.ts';
import { withSource } from './source-session.ts';
import { hasAccountFor, isVoterAccount, voterAccount } from './voters.ts';

/** Statements of ours that are still at work, of a step that was given up: what they start must not come after what we end. */
const ownStatements = (processes: string): string => `
  select id as id from ${processes} where user = substring_index(user(), '@', 1) and id <> connection_id()
    and command = 'Query' and info regexp '^ *(start|stop|change|reset|set global) '`;

const settleStatements = async (parts: Parts, dialect: Dialect, budget: Budget): Promise<void> => {
  const none = await budget.poll(20, budget.left(), async () => {
    const rows = await parts.admin.rows(budget.part(), ownStatements(dialect.processes));
    for (const row of rows)
      await parts.admin.rows(budget.part(), dialect.kill(row['id'] ?? '0')).catch((error: unknown) => {
        if (errnoOf(error) === undefined) throw error;
      });
    return rows.length === 0 ? true : undefined;
  });
  if (none === undefined) throw new StepError('timed-out', 'an earlier statement of the agent does not end');
};

/**
 * Ends when nothing receives any more: a receiver that is still connecting would go on to (C17). The applier runs before: where
 * both threads stand still, MariaDB drops what was received and not yet applied.
 */
export const endReceiver = async (parts: Parts, budget: Budget): Promise<Facts> => {
  await settleStatements(parts, await parts.site.dialect(budget.part()), budget);
  const { dialect, applying, receiver } = await askFacts(parts, budget.part());
  const statements = [...(applying || receiver === 'none' ? [] : [dialect.startApplier]), dialect.stopReceiver];
  await parts.admin.once(budget.part(), async (session) => {
    for (const sql of statements) await session.rows(budget.part(), sql);
  });
  const stopped = await budget.poll(10, budget.left(), async () => {
    const now = await askFacts(parts, budget.part());
    return now.receiver === 'none' ? now : undefined;
  });
  if (stopped === undefined) throw new StepError('timed-out', 'ending the receiver: it is still there');
  return stopped;
};

/**
 * Ends the receiver, and ends when everything that was received is applied. Throws `StepError` `failed` where the applier
 * stopped (it would never finish), and `timed-out`.
 */
export const untilApplied = async (parts: Parts, budget: Budget): Promise<Facts> => {
  const begin = await askFacts(parts, budget.part());
  const { dialect } = begin;
  const ended = begin.receiver === 'none' ? begin : await endReceiver(parts, budget);
  /** Where the applier stopped meanwhile, the server may call less received than it was. */
  const applied = (now: Facts): boolean =>
    [begin.received, ended.received].every((wanted) => dialect.contains(now.executed, wanted));
  if (applied(ended)) return ended;
  if (begin.receiver === 'none' && !ended.applying)
    await parts.admin.once(budget.part(), (session) => session.rows(budget.part(), dialect.startApplier));
  const done = await budget.poll(10, budget.left(), async () => {
    const now = await askFacts(parts, budget.part());
    if (applied(now)) return now;
    if (!now.applying)
      throw new StepError(
        'failed',
        `applying what was received: the applier stopped at ${dialect.missing(begin.received, now.executed)}: ` +
          `${now.trouble ?? 'it does not say why'}; copy this member anew`,
      );
    return undefined;
  });
  if (done === undefined) throw new StepError('timed-out', 'applying what was received: not done in time');
  return done;
};

/** How far the source's log reaches; own transactions that it lacks are errant, and nothing may be replicated over them. */
const checkAncestry = async (parts: Parts, source: Source, facts: Facts, budget: Budget): Promise<Gtids> => {
  const { dialect } = facts;
  const end = await withSource(parts.site.options, source, budget, async (session) => {
    const [row] = await session.rows(budget.part(5_000), dialect.endQuestion);
    return dialect.readEnd(row);
  });
  if (!dialect.contains(end, facts.received))
    throw new StepError(
      'refused',
      `following ${source.member}: its log lacks transactions that this member has (${dialect.missing(facts.received, end)}); ` +
        'nothing is replicated over them',
    );
  return end;
};

const follows = (facts: Facts, source: Source): boolean =>
  facts.receiver !== 'none' &&
  facts.applying &&
  facts.source?.host === source.host &&
  facts.source.port === source.port;

/** By which account to receive: its own as a voter, where the source has one for it. */
const accountAt = async (parts: Parts, source: Source, budget: Budget): Promise<Credential> => {
  const { options } = parts.site;
  const { config } = await parts.settings.get();
  if (config?.synchronous?.mayVote !== true) return options.credentials.replication;
  const own = voterAccount(`${options.name}~${config.instance}`, options.credentials);
  const has = await withSource(options, source, budget, (session) => hasAccountFor(session, own, budget.part(5_000)));
  return has ? own : options.credentials.replication;
};

export const attach = async (parts: Parts, source: Source, budget: Budget): Promise<void> => {
  const { options } = parts.site;
  const now = await askFacts(parts, budget.part());
  if (!now.readOnly) throw new StepError('refused', 'changing the source: the database is a primary; stop it first');
  const account = await accountAt(parts, source, budget);
  if (follows(now, source) && now.account === account.username) return;
  await checkAncestry(parts, source, now, budget);
  const { dialect } = now;
  const order = (facts: Facts): ReceiverOrder => ({
    source,
    account,
    tls: options.tls,
    executed: facts.executed,
  });
  const run = (statements: readonly string[]): Promise<void> =>
    parts.admin.once(budget.part(), async (session) => {
      for (const sql of statements) await session.rows(budget.part(), sql);
    });
  const vote = dialect.vote(isVoterAccount(account.username));
  if (dialect.pointAtKeeping !== undefined && now.applying && now.source !== undefined) {
    const ended = now.receiver === 'none' ? now : await endReceiver(parts, budget);
    return run([...dialect.pointAtKeeping(order(ended)), vote, dialect.startReplication]);
  }
  // What was received may be nowhere else: it is applied before the change drops it.
  const applied = await untilApplied(parts, budget);
  await run([dialect.stopReplication, ...dialect.pointAt(order(applied)), vote, dialect.startReplication]);
};

/**
 * Makes a running replica take its log from `source`, now and after every later start of the agent. Refused where the source
 * lacks a transaction of ours. Without a source it ends only when nothing is received any more; what was received is still applied.
 */
export const follow = async (parts: Parts, order: Step & { readonly source: Source | undefined }): Promise<void> => {
  const { site, server, settings } = parts;
  const budget = budgetOf(site.options.clock, order);
  if (server.find() === undefined)
    throw new StepError('refused', `changing the source of ${site.options.dataDir}: the database does not run`);
  if (order.source === undefined) {
    await settings.set({ source: undefined });
    const now = await askFacts(parts, budget.part());
    if (now.receiver !== 'none') await endReceiver(parts, budget);
    return;
  }
  await attach(parts, order.source, budget);
  await settings.set({ source: order.source });
};
