import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { ms } from '../../src/core/brand.ts';
import { step, until, type TestMember } from '../support/postgres.ts';
import { createCluster, streaming, syncConfig, voter, type TestCluster } from '../support/postgres-cluster.ts';

const LOGICAL = { wal_level: 'logical', sync_replication_slots: 'on', hot_standby_feedback: 'on' };
const shown = async (member: TestMember, setting: string): Promise<string | null | undefined> =>
  (await member.sql(`select current_setting('${setting}', true) as value`))[0]?.['value'];
const slot = async (member: TestMember) =>
  (
    await member.sql(
      // A copy that is not ready yet is temporary: the server drops it when it stops copying.
      `select slot_name, to_json(s)->>'synced' as synced from pg_replication_slots s
        where slot_name = 'sub' and not temporary`,
    )
  )[0];

/** What a subscriber does: a slot that never moves on lies behind what a replica could keep for a copy of it. */
const consume = async (primary: TestMember): Promise<void> => {
  await primary.database.checkpoint(step());
  await primary.sql(`select pg_replication_slot_advance('sub', pg_current_wal_lsn())`);
};

/** Logical slots that survive a failover: from PostgreSQL 17 on. Before, none of these parameters may be written. */
describe('logical slots in a synchronous cluster', () => {
  let cluster: TestCluster;
  let a: TestMember;
  let b: TestMember;
  let c: TestMember;
  let survive: boolean;

  const plan = (leads: boolean) => ({
    ...step(),
    members: [a, b, c].map(({ options }) => options.name),
    positions: {},
    retention: ms(60_000),
    permanent: leads ? { sub: { type: 'logical' as const, plugin: 'pgoutput' } } : {},
  });

  beforeAll(async () => {
    cluster = await createCluster({ parameters: LOGICAL });
    ({ a, b, c } = cluster.members);
    survive = Number(await shown(a, 'server_version_num')) >= 170_000;
  });
  afterAll(() => cluster.close());

  it('never get ahead of the voters: the list changes with what is demanded', async () => {
    const wanted = { voters: [voter(b), voter(c)], acks: 1 };
    await a.database.acknowledge({ ...step(), from: undefined, wanted });
    expect(await shown(a, 'synchronized_standby_slots')).toBe(survive ? 'haagent_b, haagent_c' : null);
    await a.database.acknowledge({ ...step(), from: wanted, wanted: { voters: [voter(b)], acks: 1 } });
    expect(await shown(a, 'synchronized_standby_slots')).toBe(survive ? 'haagent_b' : null);
  });

  it('are copied to replicas, and a primary that steps down drops its own for the copies', async () => {
    await a.database.keepSlots(plan(true));
    expect(await slot(a)).toMatchObject({ slot_name: 'sub' });
    if (survive)
      await until(
        'the replica has a copy',
        async () => {
          await consume(a);
          return (await slot(b))?.['synced'] === 'true' ? true : undefined;
        },
        30_000,
      );
    await a.database.acknowledge({ ...step(), from: undefined, wanted: { voters: [], acks: 0 } });
    const { finalPosition } = await a.database.stop(step());
    await until('b has everything', async () =>
      ['equal', 'ahead'].includes(b.database.positions.compare((await b.running()).position, finalPosition!))
        ? true
        : undefined,
    );
    await b.database.stopReceiving(step());
    expect(await shown(b, 'sync_replication_slots')).toBe(survive ? 'off' : null);
    await b.database.acknowledge({ ...step(), from: undefined, wanted: { voters: [], acks: 0 } });
    await b.database.promote({ ...step(), generation: 3 });
    await b.database.acknowledge({ ...step(), from: undefined, wanted: { voters: [], acks: 0 } });
    expect(await slot(b)).toEqual(survive ? { slot_name: 'sub', synced: 'true' } : undefined);

    await a.database.configure({ ...step(), ...syncConfig(a, { parameters: LOGICAL }) });
    await a.database.start({ ...step(), source: b.source });
    await streaming(a);
    if (!survive) return;
    await until(
      'the own slot gives way to a copy',
      async () => {
        await a.database.keepSlots(plan(false));
        await consume(b);
        return (await slot(a))?.['synced'] === 'true' ? true : undefined;
      },
      30_000,
    );
  });
});
