import { describe, expect, it } from 'vitest';
import { mariadbDialect } from '../../../src/adapters/mysql/dialect-mariadb.ts';
import { createReceiverWatch } from '../../../src/adapters/mysql/receiver-watch.ts';
import { createSenderWatch } from '../../../src/adapters/mysql/sender-watch.ts';
import type { Row } from '../../../src/adapters/mysql/session.ts';
import { isVoterAccount, voterAccount } from '../../../src/adapters/mysql/voters.ts';
import type { Clock } from '../../../src/ports/clock.ts';
import { instant } from '../core/support.ts';

const dialect = mariadbDialect('10.11.18');
const OFF: Row = { enabled: '0', place: 'AFTER_SYNC', patience: '18446744073709551615', alone: '1', STATUS: 'OFF' };
const facts = (server: Row, replica: Row | undefined, demand: Row = OFF) =>
  dialect.readFacts([[{ readonly: '1', own: '7', ...server }], replica === undefined ? [] : [replica], [demand]]);
const replica = (over: Row = {}): Row => ({
  Slave_IO_Running: 'Yes',
  Slave_SQL_Running: 'Yes',
  Master_Host: 'a',
  Master_Port: '3306',
  Master_User: 'replicator',
  Gtid_IO_Pos: '0-5-12',
  ...over,
});

describe('what MariaDB says of itself', () => {
  it('is taken with what was received and waits to be applied', () => {
    expect(facts({ log: '0-5-10', replicated: '0-5-10' }, replica())).toMatchObject({
      executed: '0-5-10',
      received: '0-5-12',
      errant: undefined,
    });
  });

  it('counts nothing as received where both threads stand still, nor onto transactions of its own', () => {
    const stopped = replica({ Slave_IO_Running: 'No', Slave_SQL_Running: 'No' });
    expect(facts({ log: '0-5-10', replicated: '0-5-10' }, stopped).received).toBe('0-5-10');
    const errant = facts({ log: '0-5-10,0-7-11', replicated: '0-5-10' }, replica());
    expect(errant).toMatchObject({ errant: '0-7-11', received: '0-5-10,0-7-11' });
    const { positions, toPosition } = dialect;
    expect(positions.compare(toPosition(errant.received, 2), toPosition('0-5-12', 2))).toBe('diverged');
  });

  it('is compared only as far as every writer is known', () => {
    const seen = facts({ log: '0-5-10', replicated: '0-5-10' }, replica({ Gtid_IO_Pos: '0-6-14' }));
    expect(seen).toMatchObject({ received: '0-5-10,0-6-14', reached: '0-5-10' });
    const { positions, toPosition } = dialect;
    expect(positions.compare(toPosition(seen.reached, 2), toPosition('0-5-11,0-6-13', 2))).toBe('behind');
    expect(facts({ log: '0-5-11,0-6-12', replicated: '0-6-12' }, replica({ Gtid_IO_Pos: '0-6-14' })).reached).toBe(
      '0-5-11,0-6-14',
    );
  });

  it('does not call what a primary writes errant', () => {
    expect(facts({ log: '0-5-10,0-7-11', replicated: '' }, undefined).errant).toBeUndefined();
  });

  it.each([
    [{}, 0],
    [{ enabled: '1', STATUS: 'ON' }, 1],
    [{ enabled: '1', STATUS: 'OFF' }, undefined],
    [{ enabled: '1', STATUS: 'ON', place: 'AFTER_COMMIT' }, undefined],
    [{ enabled: '1', STATUS: 'ON', patience: '10000' }, undefined],
    [{ enabled: '1', STATUS: 'ON', alone: '0' }, undefined],
    [{ enabled: '0', STATUS: 'ON' }, undefined],
  ])('demands by %j: %s', (over, acks) => {
    expect(facts({ log: '', replicated: '' }, undefined, { ...OFF, ...over }).demanded.acks).toBe(acks);
  });
});

describe('over time', () => {
  const stopwatch = () => {
    let now = 0;
    const clock: Pick<Clock, 'now'> = { now: () => instant(now) };
    return { clock, pass: (ms: number) => void (now += ms) };
  };

  it('a source was heard when something of it changed, and is missed from when its stream ended', () => {
    const { clock, pass } = stopwatch();
    const watch = createReceiverWatch(clock);
    expect(watch({ receiver: 'connecting', heard: '' })).toMatchObject({
      heardAgoMs: undefined,
      endedAgoMs: undefined,
    });
    watch({ receiver: 'streaming', heard: '1' });
    pass(400);
    expect(watch({ receiver: 'streaming', heard: '1' }).heardAgoMs).toBeGreaterThanOrEqual(400);
    expect(watch({ receiver: 'streaming', heard: '2' }).heardAgoMs).toBeLessThan(10);
    watch({ receiver: 'connecting', heard: '2' });
    pass(300);
    expect(watch({ receiver: 'connecting', heard: '2' }).endedAgoMs).toBeGreaterThanOrEqual(300);
  });

  it('a sender that had nothing left to send not long ago is near, one of several that lags makes all doubtful', () => {
    const { clock, pass } = stopwatch();
    const watch = createSenderWatch(clock);
    const rows = (first: string, second: string): readonly Row[] => [
      { id: '1', account: 'x', done: first },
      { id: '2', account: 'x', done: second },
    ];
    expect(watch(rows('1', '0')).get('x')).toBe('part');
    expect(watch(rows('0', '1')).get('x')).toBe('all');
    pass(20_000);
    expect(watch(rows('0', '1')).get('x')).toBe('part');
    expect(watch([]).get('x')).toBeUndefined();
  });
});

describe('the account of a voter', () => {
  const credentials = {
    superuser: { username: 'root', password: 'a' },
    replication: { username: 'replicator', password: 'b' },
    agent: { username: 'haagent', password: 'c' },
  };

  it('is another one for each instance and each cluster’s password, and short enough for MySQL', () => {
    const one = voterAccount('b~inst1', credentials);
    const other = voterAccount('b~inst2', credentials);
    expect(one.username).not.toBe(other.username);
    expect(one.username.length).toBeLessThanOrEqual(32);
    expect([one, other].every(({ username }) => isVoterAccount(username))).toBe(true);
    expect(isVoterAccount('replicator')).toBe(false);
    const elsewhere = { ...credentials, replication: { username: 'replicator', password: 'd' } };
    expect(voterAccount('b~inst1', elsewhere).password).not.toBe(one.password);
  });
});
