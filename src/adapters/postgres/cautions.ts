import { isWeakLevel } from './commit-levels.ts';
import type { Row } from './session.ts';

/** What weakens the promise of the synchronous modes without anybody having told the agent: one sentence each. */

/** Settings of roles and databases that begin with this, and transactions that were prepared and not ended. */
export const CAUTIONS = `
  select 'level' as kind, coalesce(r.rolname, '') as role, coalesce(d.datname, '') as database, c.setting as value
    from pg_db_role_setting s
    left join pg_roles r on r.oid = s.setrole
    left join pg_database d on d.oid = s.setdatabase,
    unnest(s.setconfig) as c (setting)
   where c.setting like 'synchronous_commit=%'
  union all
  select 'prepared', max(owner)::text, max(database)::text, count(*)::text
    from pg_prepared_xacts where prepared < now() - interval '1 minute' having count(*) > 0`;

const levelSentence = (row: Row): readonly string[] => {
  const level = (row['value'] ?? '').slice('synchronous_commit='.length);
  if (!isWeakLevel(level)) return [];
  const whose = [
    ...(row['role'] === '' ? [] : [`role ${row['role']}`]),
    ...(row['database'] === '' ? [] : [`database ${row['database']}`]),
  ];
  return [
    `sessions of ${whose.length === 0 ? 'everyone' : whose.join(' in ')} commit with synchronous_commit = ${level}: ` +
      'what they write is not safe with the voters when it is acknowledged',
  ];
};

/** @param rows of the query above */
export const cautionsOf = (rows: readonly Row[]): readonly string[] =>
  rows
    .flatMap((row) =>
      row['kind'] === 'level'
        ? levelSentence(row)
        : [
            `${row['value']} prepared transactions are older than a minute (database ${row['database']}): they keep their ` +
              'locks, also after a failover, until somebody commits or rolls them back',
          ],
    )
    .toSorted();
