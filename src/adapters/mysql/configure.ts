import type { DatabaseConfig, Step } from '../../ports/database.ts';
import { budgetOf } from '../engine/budget.ts';
import { inspectDirectory } from './data-directory.ts';
import { saidBy } from './errors.ts';
import { readLaunched, writeLaunched } from './launched.ts';
import type { Parts } from './parts.ts';
import { quoteLiteral } from './quoting.ts';
import { freshServerId } from './server-id.ts';
import { errnoOf } from './session.ts';

/** The variable can only be set at a start. */
const STATIC: ReadonlySet<number> = new Set([1238]);

/** A value as SET takes it: numbers with the units that option files know, words as text. */
export const sqlValue = (value: string): string => {
  const found = /^(-?\d{1,18}(?:\.\d{1,9})?)([KMGT])?$/i.exec(value.trim());
  if (found === null) return quoteLiteral(value);
  const unit = ' KMGT'.indexOf((found[2] ?? ' ').toUpperCase());
  return unit === 0 ? (found[1] ?? '0') : String(BigInt(found[1]?.split('.')[0] ?? '0') * 1024n ** BigInt(unit));
};

/** Names of parameters whose wanted value the running server does not have. */
export const pendingOf = (
  wanted: Readonly<Record<string, string>>,
  running: Readonly<Record<string, string>>,
): readonly string[] =>
  [...new Set([...Object.keys(wanted), ...Object.keys(running)])]
    .filter((name) => wanted[name] !== running[name])
    .toSorted();

/**
 * Remembers parameters and instance, writes the next start's configuration, and sets in a running server what can be set there.
 * Parameters that the server does not take are left out and logged. Before there is any data they are only remembered.
 */
export const configure = async (parts: Parts, order: Step & DatabaseConfig): Promise<void> => {
  const { site, settings, configuration, admin, server } = parts;
  const { parameters, accessRules, memberHosts, instance, synchronous } = order;
  const budget = budgetOf(site.options.clock, order);
  const next = await settings.set({
    config: { parameters, accessRules, memberHosts, instance, ...(synchronous === undefined ? {} : { synchronous }) },
  });
  if ((await inspectDirectory(site)).kind !== 'data') return;
  const wanted = await configuration.write(next, freshServerId(), budget.part());
  if (server.find() === undefined) return;
  const running: Record<string, string> = { ...(await readLaunched(site)) };
  const changed = pendingOf(wanted, running).filter((name) => wanted[name] !== undefined);
  if (changed.length === 0) return;
  await admin.once(
    budget.part(),
    async (session) => {
      for (const name of changed) {
        const value = wanted[name] ?? '';
        try {
          await session.rows(budget.part(), `set global ${name} = ${sqlValue(value)}`);
          running[name] = value;
        } catch (error) {
          const errno = errnoOf(error);
          if (errno === undefined) throw error;
          if (!STATIC.has(errno)) configuration.drop(name, saidBy(error));
        }
      }
    },
    'superuser',
  );
  await writeLaunched(site, running);
};
