import { rm } from 'node:fs/promises';
import { StepError } from '../../core/errors.ts';
import type { Step } from '../../ports/database.ts';
import type { GuardTarget } from '../../ports/guard.ts';
import { budgetOf, type Budget } from '../engine/budget.ts';
import { enforce } from './acknowledge.ts';
import type { Dialect } from './dialect.ts';
import { askFacts, type Facts } from './facts.ts';
import { fence } from './fence.ts';
import { untilApplied } from './follow.ts';
import { readIdentity } from './identity.ts';
import type { Parts } from './parts.ts';
import { quoteLiteral } from './quoting.ts';
import { SCHEMA, TABLES } from './roles.ts';

/** Adopted data may lack the agent's accounts and tables; as soon as it takes writes they can be made. */
const repair = async (parts: Parts, facts: Facts, budget: Budget): Promise<void> => {
  if (!parts.admin.asSuperuser()) return;
  const systemId = (await readIdentity(parts.site)) ?? '';
  const statements = [
    ...TABLES,
    `insert ignore into ${SCHEMA}.identity (single, system_id) values (1, ${quoteLiteral(systemId)})`,
    ...facts.dialect.accounts(parts.site.options.credentials),
  ];
  await parts.admin.once(
    budget.part(),
    async (session) => {
      for (const sql of statements) await session.rows(budget.part(), sql);
    },
    'superuser',
  );
  parts.admin.reset();
};

/**
 * The first write, while only the agent can write: the record of the promotion. It proves that a commit is answered under the
 * settings in force, and marks where this history parts from every other.
 */
const record = async (parts: Parts, facts: Facts, generation: number, budget: Budget): Promise<void> => {
  const { dialect } = facts;
  await parts.admin.once(budget.part(), async (session) => {
    await session.rows(budget.part(), dialect.openForAgent);
    await repair(parts, facts, budget);
    await session.rows(
      budget.part(),
      `insert into ${SCHEMA}.journal (generation, member) values (${generation}, ${quoteLiteral(parts.site.options.name)})`,
    );
  });
};

/**
 * What was prepared is in force before anybody but the agent can write; where nothing was, and writes are promised, no commit ends. The
 * record itself waits for nobody: the others follow only after it is there.
 */
const demandFromBeginning = async (parts: Parts, dialect: Dialect, budget: Budget): Promise<void> => {
  const { demand, config } = await parts.settings.get();
  const nobody = { voters: [], acks: config?.synchronous === undefined ? 0 : 1 };
  await enforce(parts, dialect, demand ?? nobody, budget);
};

/**
 * Makes the running replica a primary whose log says so as generation `generation`. Everything received is applied before; a
 * stopped applier fails the promotion. The caller has armed the guard. Done already when it is primary with that generation. Throws
 * `StepError`: `refused`, `timed-out`, `failed`, and `generation-mismatch` after fencing.
 */
export const promote = async (
  parts: Parts,
  target: GuardTarget,
  order: Step & { readonly generation: number },
): Promise<void> => {
  const { site, server, settings } = parts;
  const { clock, name } = site.options;
  const { generation } = order;
  const budget = budgetOf(clock, order);
  if (server.find() === undefined) throw new StepError('refused', `promoting ${name}: its database does not run`);
  const now = await askFacts(parts, budget.part());
  if (!now.readOnly) {
    if (now.generation === generation) return;
    await fence(parts, target, budget.part());
    throw new StepError(
      'generation-mismatch',
      `promoting ${name}: it takes writes already, as generation ${now.generation}; ${generation} was reserved; it was fenced`,
    );
  }
  if (generation <= now.generation)
    throw new StepError('refused', `promoting to generation ${generation}: the log has ${now.generation} already`);

  if (now.errant !== undefined)
    throw new StepError(
      'refused',
      `promoting ${name}: somebody wrote on it while it was a replica (${now.errant}); copy it anew`,
    );
  const applied = await untilApplied(parts, budget);
  const { dialect } = applied;
  await settings.set({ source: undefined, promoted: true });
  await parts.admin.once(budget.part(), async (session) => {
    await session.rows(budget.part(), dialect.stopReplication);
    await session.rows(budget.part(), dialect.forgetSource);
  });
  budget.check(`promoting ${name}`);
  await rm(site.paths.replicaMark, { force: true });
  try {
    await record(parts, applied, generation, budget);
    await demandFromBeginning(parts, dialect, budget);
    budget.check(`promoting ${name}`);
    await parts.admin.once(budget.part(), (session) => session.rows(budget.part(), dialect.open));
    const after = await askFacts(parts, budget.part());
    if (after.readOnly) throw new StepError('failed', `promoting ${name}: it is still read-only`);
  } catch (error) {
    // It is no primary: whether the record was written shows in what it says of itself.
    await site.files.write(site.paths.replicaMark, '');
    throw error;
  }
};
