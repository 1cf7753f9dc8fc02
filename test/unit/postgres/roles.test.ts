import { describe, expect, it } from 'vitest';
import { dialectOf, type Dialect } from '../../../src/adapters/postgres/dialect.ts';
import { roleStatements } from '../../../src/adapters/postgres/roles.ts';

const dialect = (major: number): Dialect => dialectOf(`postgres (PostgreSQL) ${major}.1`) as Dialect;
const account = (username: string) => ({ username, password: 'secret' });
const credentials = {
  superuser: account('postgres'),
  replication: account('replicator'),
  rewind: account('rewinder'),
  agent: account('haagent'),
};

describe('the accounts', () => {
  it.each([
    [13, [/haagent\.checkpoint\(\)/], [/pg_checkpoint/, /pg_use_reserved/]],
    [15, [/grant pg_checkpoint to "haagent"/], [/function haagent\.checkpoint/, /pg_use_reserved/]],
    [18, [/grant pg_use_reserved_connections to "haagent"/], [/function haagent\.checkpoint/]],
  ])('of version %s have what that version offers', async (major, has, lacks) => {
    const all = (await roleStatements(credentials, dialect(major))).join('\n');
    for (const each of has) expect(all).toMatch(each);
    for (const each of lacks) expect(all).not.toMatch(each);
    expect(all).not.toContain('secret');
  });

  it('that share a name get what both need, and the superuser is never made less', async () => {
    const shared = { ...credentials, rewind: account('postgres'), replication: account('haagent') };
    const alters = (await roleStatements(shared, dialect(15))).filter((sql) => sql.startsWith('alter role'));
    expect(alters).toHaveLength(2);
    expect(alters[0]).toMatch(/^alter role "postgres" with login superuser /);
    expect(alters[1]).toMatch(/^alter role "haagent" with login nosuperuser nocreatedb nocreaterole replication /);
  });
});
