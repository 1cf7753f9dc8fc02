import { createHash, createHmac } from 'node:crypto';
import { StepError } from '../../core/errors.ts';
import type { Step } from '../../ports/database.ts';
import type { Budget } from '../engine/budget.ts';
import type { Dialect } from './dialect.ts';
import type { Credential, Credentials } from './options.ts';
import type { Parts } from './parts.ts';
import { quoteAccount, quoteLiteral } from './quoting.ts';
import { SCHEMA } from './roles.ts';
import { errnoOf, type Session } from './session.ts';

/**
 * These servers count the acknowledgement of whichever replica sends one. So a replica acknowledges only while it receives by an account
 * that is its voter's alone, and a primary has the accounts of the voters that it demands, and no others.
 */

const PREFIX = 'haagent_v_';
const OURS = `like '${PREFIX.replaceAll('_', '\\_')}%'`;
const UNAUTHENTICATED = 'unauthenticated user';

/** By what a voter (`member~instance`) logs in at its primary. The name is as long as MySQL takes. */
export const voterAccount = (voter: string, { replication }: Credentials): Credential => ({
  username: `${PREFIX}${createHash('sha256').update(voter).digest('hex').slice(0, 20)}`,
  password: createHmac('sha256', replication.password).update(voter).digest('hex'),
});

export const isVoterAccount = (username: string | undefined): boolean => username?.startsWith(PREFIX) === true;

/** What a replica may read: it would be told only by a refused login otherwise. In no log, as the accounts. */
const LIST: readonly string[] = [
  `create table if not exists ${SCHEMA}.voter (account varchar(32) primary key) engine = InnoDB`,
];
const NO_LIST: ReadonlySet<number> = new Set([1049, 1142, 1146]);

const SESSIONS = (dialect: Dialect): string =>
  `select id as id, user as account from ${dialect.processes} where user ${OURS} or user = '${UNAUTHENTICATED}'`;

/** Runs statements that stay out of the log: they are about this server alone. */
const locally = (parts: Parts, statements: readonly string[], budget: Budget): Promise<void> =>
  parts.admin.once(
    budget.part(),
    async (session) => {
      for (const sql of ['set session sql_log_bin = 0', ...statements]) await session.rows(budget.part(), sql);
    },
    'superuser',
  );

const accountsThere = async (parts: Parts, budget: Budget): Promise<readonly string[]> =>
  parts.admin.once(
    budget.part(),
    async (session) => {
      const rows = await session.rows(
        budget.part(),
        `select distinct user as account from mysql.user where user ${OURS}`,
      );
      return rows.map((row) => row['account'] ?? '');
    },
    'superuser',
  );

/**
 * Takes the accounts of all but these voters away, and ends when nobody is connected by one. A login that was being checked while its
 * account went may still succeed: those are waited for.
 */
export const evictOthers = async (
  parts: Parts,
  dialect: Dialect,
  voters: readonly string[],
  budget: Budget,
): Promise<void> => {
  const { admin, site } = parts;
  const kept = new Set(voters.map((voter) => voterAccount(voter, site.options.credentials).username));
  const others = (await accountsThere(parts, budget)).filter((account) => !kept.has(account));
  if (others.length > 0)
    await locally(
      parts,
      [
        ...LIST,
        `delete from ${SCHEMA}.voter where account not in (${[...kept, ''].map(quoteLiteral).join(', ')})`,
        ...others.map((account) => `drop user if exists ${quoteAccount(account, '%')}`),
      ],
      budget,
    );
  const sessions = async (): Promise<readonly { readonly id: string; readonly account: string }[]> =>
    (await admin.rows(budget.part(), SESSIONS(dialect))).map((row) => ({
      id: row['id'] ?? '',
      account: row['account'] ?? '',
    }));
  const entering = new Set((await sessions()).filter((each) => each.account === UNAUTHENTICATED).map(({ id }) => id));
  const gone = await budget.poll(20, budget.left(), async () => {
    const now = await sessions();
    const strangers = now.filter(({ account }) => account !== UNAUTHENTICATED && !kept.has(account));
    for (const { id } of strangers)
      await admin.rows(budget.part(), dialect.kill(id)).catch((error: unknown) => {
        if (errnoOf(error) === undefined) throw error;
      });
    const open = now.some(({ id, account }) => account === UNAUTHENTICATED && entering.has(id));
    return strangers.length === 0 && !open ? true : undefined;
  });
  if (gone === undefined)
    throw new StepError(
      'timed-out',
      `taking the vote of all but ${voters.join(', ') || 'nobody'}: others are still connected as voters`,
    );
};

/** Gives these voters their accounts. */
export const admitVoters = async (
  parts: Parts,
  dialect: Dialect,
  voters: readonly string[],
  budget: Budget,
): Promise<void> => {
  const { credentials } = parts.site.options;
  const there = new Set(await accountsThere(parts, budget));
  const missing = voters
    .map((voter) => voterAccount(voter, credentials))
    .filter(({ username }) => !there.has(username));
  if (missing.length === 0) return;
  const told = missing.map(
    ({ username }) => `replace into ${SCHEMA}.voter (account) values (${quoteLiteral(username)})`,
  );
  await locally(parts, [...missing.flatMap(dialect.voter), ...LIST, ...told], budget);
};

/** Whether the server of this session has an account for a voter. */
export const hasAccountFor = async (session: Session, { username }: Credential, step: Step): Promise<boolean> => {
  try {
    const sql = `select 1 as found from ${SCHEMA}.voter where account = ${quoteLiteral(username)}`;
    return (await session.rows(step, sql)).length > 0;
  } catch (error) {
    if (NO_LIST.has(errnoOf(error) ?? 0)) return false;
    throw error;
  }
};

/** How many of these voters receive from this server as voters now. */
export const votersConnected = async (
  parts: Parts,
  dialect: Dialect,
  voters: readonly string[],
  budget: Budget,
): Promise<number> => {
  const names = new Set(voters.map((voter) => voterAccount(voter, parts.site.options.credentials).username));
  const rows = await parts.admin.rows(budget.part(), dialect.senders);
  return new Set(rows.map((row) => row['account'] ?? '').filter((account) => names.has(account))).size;
};
