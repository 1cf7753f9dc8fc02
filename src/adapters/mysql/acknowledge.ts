import type { Acknowledgement } from '../../core/database.ts';
import { StepError } from '../../core/errors.ts';
import type { Step } from '../../ports/database.ts';
import { budgetOf, type Budget } from '../engine/budget.ts';
import type { Dialect } from './dialect.ts';
import { askFacts } from './facts.ts';
import type { Parts } from './parts.ts';
import { admitVoters, evictOthers, votersConnected } from './voters.ts';

const run = (parts: Parts, statements: readonly string[], budget: Budget): Promise<void> =>
  parts.admin.once(budget.part(), async (session) => {
    for (const sql of statements) await session.rows(budget.part(), sql);
  });

/** One process serves everybody and asks this one setting at each commit: what it says of itself is in force. */
const verify = async (parts: Parts, acks: number, budget: Budget): Promise<void> => {
  const { demanded, product } = await askFacts(parts, budget.part()).then(({ demanded: found, dialect }) => ({
    demanded: found,
    product: dialect.product,
  }));
  if (demanded.acks !== acks)
    throw new StepError(
      'failed',
      `demanding ${acks} acknowledgements: ${product} says ${demanded.acks ?? 'that the demand has a limit'}; ` +
        'does a file of the operator set rpl_semi_sync variables?',
    );
};

const demand = async (parts: Parts, dialect: Dialect, acks: number, budget: Budget): Promise<void> => {
  await run(parts, dialect.demand(acks), budget);
  await verify(parts, acks, budget);
};

/**
 * Makes a primary wait for `wanted` at each commit. On the way nobody acknowledges who may not before or after, and never fewer than
 * the smaller number is asked for: others lose their vote first, then the number grows, then voters come in, then it falls.
 */
export const enforce = async (
  parts: Parts,
  dialect: Dialect,
  wanted: Acknowledgement,
  budget: Budget,
): Promise<void> => {
  if (wanted.acks === 0) {
    // Whoever votes goes on: nobody is asked.
    await run(parts, dialect.release, budget);
    return verify(parts, 0, budget);
  }
  const { demanded } = await askFacts(parts, budget.part());
  await evictOthers(parts, dialect, wanted.voters, budget);
  if (demanded.acks !== undefined && demanded.acks > 0 && demanded.acks < wanted.acks)
    await demand(parts, dialect, wanted.acks, budget);
  await admitVoters(parts, dialect, wanted.voters, budget);
  await demand(parts, dialect, wanted.acks, budget);
};

/**
 * Lets the voters connect as such before the first commit waits for them. Without `strict` it is tried again later where they do not
 * come; with it, commits wait for them.
 */
const untilVoting = async (parts: Parts, dialect: Dialect, wanted: Acknowledgement, budget: Budget): Promise<void> => {
  const { config } = await parts.settings.get();
  await evictOthers(parts, dialect, wanted.voters, budget);
  await admitVoters(parts, dialect, wanted.voters, budget);
  const there = await budget.poll(50, budget.left() / 2, async () =>
    (await votersConnected(parts, dialect, wanted.voters, budget)) >= wanted.acks ? true : undefined,
  );
  if (there === undefined && config?.synchronous?.strict !== true)
    throw new StepError(
      'timed-out',
      `demanding ${wanted.acks} of ${wanted.voters.join(', ')}: not enough of them have connected as voters yet`,
    );
};

/**
 * Makes the database demand `wanted` of every commit (rule D7). On a replica it is remembered: the promotion puts it in force before
 * anybody but the agent can write. Idempotent.
 */
export const acknowledge = async (parts: Parts, order: Step & { readonly wanted: Acknowledgement }): Promise<void> => {
  const { site, server, settings } = parts;
  const { wanted } = order;
  const budget = budgetOf(site.options.clock, order);
  if (server.find() === undefined)
    throw new StepError('refused', `demanding acknowledgements in ${site.options.dataDir}: the database does not run`);
  const { dialect, readOnly, demanded } = await askFacts(parts, budget.part());
  if (wanted.acks > dialect.mostAcks)
    throw new StepError(
      'refused',
      `${dialect.product} waits for ${dialect.mostAcks} acknowledgement, not for ${wanted.acks}: set replication.acks to ${dialect.mostAcks}`,
    );
  // Only what is demanded is kept, whatever else its bearer knows.
  await settings.set({ demand: { acks: wanted.acks, voters: wanted.voters } });
  if (readOnly) {
    // Voters that follow before the promotion do so as voters at once.
    if (dialect.grantsWhileReadOnly && wanted.acks > 0) {
      await evictOthers(parts, dialect, wanted.voters, budget);
      await admitVoters(parts, dialect, wanted.voters, budget);
    }
    return;
  }
  if (demanded.acks === 0 && wanted.acks > 0) await untilVoting(parts, dialect, wanted, budget);
  await enforce(parts, dialect, wanted, budget);
};
