import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { revision, termOf } from '../../src/core/brand.ts';
import type { Acknowledgement } from '../../src/core/database.ts';
import { clock, step, until } from '../support/postgres.ts';
import {
  checkpointerOf,
  client,
  codeOf,
  commit,
  createCluster,
  senderTo,
  syncConfig,
  voter,
  whileStopped,
  type TestCluster,
} from '../support/postgres-cluster.ts';

const NOTHING: Acknowledgement = { voters: [], acks: 0 };

describe('what a primary demands of its commits', () => {
  let cluster: TestCluster;
  let a: TestCluster['members']['a'];
  let b: TestCluster['members']['b'];
  let c: TestCluster['members']['c'];

  const demand = (wanted: Acknowledgement, from?: Acknowledgement, timeout = 10_000) =>
    a.database.acknowledge({ ...step(timeout), from, wanted });
  const one = (): Acknowledgement => ({ voters: [voter(b), voter(c)], acks: 1 });
  const both = (): Acknowledgement => ({ voters: [voter(b), voter(c)], acks: 2 });

  beforeAll(async () => {
    cluster = await createCluster();
    ({ a, b, c } = cluster.members);
  });
  afterAll(() => cluster.close());

  it('goes from nothing to one of two voters and back within a moment, with its clients writing', async () => {
    const begun = clock.now().mono;
    await demand(one(), NOTHING);
    expect(clock.now().mono - begun).toBeLessThan(2_000);
    console.log('none to some', clock.now().mono - begun);
    expect(await commit(a)).toBe('acknowledged');
    await a.database.barrier({ ...step(), term: termOf(revision(7n)) });
    const then = clock.now().mono;
    await demand(both(), one());
    console.log('raise', clock.now().mono - then);
    const last = clock.now().mono;
    await demand(NOTHING, both());
    console.log('none', clock.now().mono - last);
  });
});
