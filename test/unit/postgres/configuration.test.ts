import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { accessFile, accessRuleFault } from '../../../src/adapters/postgres/access-rules.ts';
import { withoutOurs } from '../../../src/adapters/postgres/auto-conf.ts';
import { parseControlData } from '../../../src/adapters/postgres/control-file.ts';
import { dialectOf } from '../../../src/adapters/postgres/dialect.ts';
import {
  commandLineParameters,
  fileParameters,
  mergeParameters,
  parameterFault,
} from '../../../src/adapters/postgres/parameters.ts';
import { scramVerifier } from '../../../src/adapters/postgres/scram.ts';
import { memberOfSlot, slotName } from '../../../src/adapters/postgres/slot-names.ts';
import { isPlaceholder, parseHistory, placeholderHistory } from '../../../src/adapters/postgres/timeline-history.ts';
import { parseMemberName, type MemberName } from '../../../src/core/brand.ts';

const memberName: fc.Arbitrary<MemberName> = fc
  .stringMatching(/^[a-z0-9][a-z0-9_-]{0,62}$/)
  .map(parseMemberName)
  .filter((found) => found !== undefined);

describe('parameters', () => {
  it.each([
    ['archive_command', 'rm -rf /'],
    ['restore_command', 'x'],
    ['ssl_passphrase_command', 'x'],
    ['shared_preload_libraries', 'evil'],
    ['session_preload_libraries', 'evil'],
    ['archive_library', 'evil'],
    ['dynamic_library_path', '/tmp'],
    ['jit_provider', 'evil'],
    ['hba_file', '/tmp/x'],
    ['primary_conninfo', 'host=evil'],
    ['fsync', 'off'],
    ['listen_addresses', '*'],
    ['synchronous_standby_names', '*'],
    ['synchronized_standby_slots', 'x'],
    ['recovery_target_time', 'x'],
    ['work_mem', '1MB\nshared_preload_libraries=evil'],
    ["a'b", '1'],
    ['include', '/etc/passwd'.repeat(1000)],
    ['max_connections', '100; x'],
    ['wal_level', 'minimal'],
  ])('does not take %s from the cluster', (name, value) => {
    expect(parameterFault(name, value, 'cluster')).toBeTypeOf('string');
  });

  it.each([
    ['work_mem', '64MB'],
    ['auto_explain.log_min_duration', '1s'],
    ['max_connections', '200'],
  ])('takes %s from the cluster', (name, value) => {
    expect(parameterFault(name, value, 'cluster')).toBeUndefined();
  });

  it('takes libraries from the local file, and the cluster beats the local file', () => {
    const { accepted, refused } = mergeParameters(
      { shared_preload_libraries: 'pg_stat_statements', Work_Mem: '1MB' },
      { work_mem: '2MB', archive_command: 'x' },
    );
    expect(accepted).toMatchObject({ shared_preload_libraries: 'pg_stat_statements', work_mem: '2MB' });
    expect(refused).toEqual([expect.stringContaining('archive_command')]);
  });

  it('never starts a replica with less than its data was last run with', () => {
    const input = {
      listenHost: '*',
      port: 5432,
      socketDir: '/run',
      clusterName: 'c',
      accessFile: '/a',
      identFile: '/i',
      archiveMode: undefined,
    };
    const control = parseControlData(CONTROL);
    const line = commandLineParameters(input, { max_connections: '50', max_wal_senders: '40' }, control);
    expect(line).toMatchObject({
      max_connections: '120',
      max_wal_senders: '40',
      wal_log_hints: 'on',
      hot_standby: 'on',
    });
    expect(fileParameters({ max_connections: '50', work_mem: '1MB' })).toEqual({ work_mem: '1MB' });
  });

  it('takes ours out of what ALTER SYSTEM left and leaves the rest', () => {
    const text = `# comment\nwork_mem = '1MB'\nprimary_conninfo = 'host=old'\nSynchronous_Standby_Names='x'\n port = 1\n`;
    expect(withoutOurs(text)).toBe(`# comment\nwork_mem = '1MB'\n`);
  });
});

describe('access rules', () => {
  const account = (username: string) => ({ username, password: 'x' });
  const credentials = {
    superuser: account('postgres'),
    agent: account('haagent'),
    replication: account('repl "x"'),
    rewind: account('rew'),
  };

  it('admits the agent over the socket, members for replication, and turns both away from elsewhere', () => {
    const lines = accessFile(credentials, ['10.0.0.1/32', 'fd00::1/128'], ['hostssl app app all scram-sha-256']).split(
      '\n',
    );
    expect(lines.join('\n')).not.toContain('host postgres "repl');
    const copying = accessFile(credentials, ['10.0.0.1/32'], [], true);
    expect(copying).toContain('host postgres "repl ""x""" 10.0.0.1/32 scram-sha-256');
    const first = (start: string): number => lines.findIndex((line) => line.startsWith(start));
    expect(first('local all,replication "haagent" scram-sha-256')).toBeGreaterThan(0);
    expect(first('host replication "repl ""x""" 10.0.0.1/32 scram-sha-256')).toBeLessThan(
      first('host all,replication "repl ""x""" all reject'),
    );
    expect(first('host postgres "rew" fd00::1/128 scram-sha-256')).toBeLessThan(
      first('host all,replication "rew" all reject'),
    );
    expect(first('host all,replication "haagent" all reject')).toBeLessThan(first('hostssl app app all'));
    expect(lines.join('\n')).not.toMatch(/trust/);
  });

  it.each([
    'include /etc/passwd',
    '@include x',
    'host all @/etc/x all trust',
    'host all all all trust\nlocal all all trust',
    '',
  ])('does not take %j', (line) => expect(accessRuleFault(line)).toBeTypeOf('string'));
});

describe('slot names', () => {
  it('are valid, at most 63 characters, one for each member, and tell their member', () => {
    fc.assert(
      fc.property(memberName, memberName, (a, b) => {
        expect(slotName(a)).toMatch(/^[a-z0-9_]{1,63}$/);
        expect(slotName(a) === slotName(b)).toBe(a === b);
        expect([a, undefined]).toContain(memberOfSlot(slotName(a)));
        if (a.length <= 20) expect(memberOfSlot(slotName(a))).toBe(a);
      }),
    );
  });

  it('of others belong to nobody', () => {
    expect(memberOfSlot('debezium')).toBeUndefined();
  });
});

describe('timeline histories', () => {
  it('are read in order and refused where they contradict themselves', () => {
    expect(parseHistory("1\t0/3000060\tno recovery target specified\n\n# x\n2\t0/4000000\tit's me\n")).toEqual([
      { timeline: 1, end: 0x3000060n },
      { timeline: 2, end: 0x4000000n },
    ]);
    expect(parseHistory('1\t0/F000000\tlost winner\n2\t0/4019A30\tx')).toBeUndefined();
    expect(parseHistory('2\t0/1\tx\n1\t0/2\tx')).toBeUndefined();
    expect(parseHistory('rubbish')).toBeUndefined();
  });

  it('of placeholders are known by their text and lie below every real position', () => {
    const text = placeholderHistory(7);
    expect(isPlaceholder(text)).toBe(true);
    expect(parseHistory(text)).toEqual([{ timeline: 7, end: 0x1000000n }]);
  });
});

describe('what programs print', () => {
  it('of a control file is parsed, and anything less is none', () => {
    expect(parseControlData(CONTROL)).toMatchObject({
      systemId: '7711119111741149349',
      state: 'shut down',
      checkpoint: 0x3000028n,
      checkpointTimeline: 4,
      checksums: true,
      walLogHints: true,
      segmentSize: 16_777_216,
      limits: { max_connections: 120, max_prepared_transactions: 0 },
    });
    expect(parseControlData('pg_controldata: error: could not open file')).toBeUndefined();
  });

  it.each([
    ['postgres (PostgreSQL) 15.20 (Debian 15.20-0+deb12u1)', 15],
    ['postgres (PostgreSQL) 13.0', 13],
    ['postgres (PostgreSQL) 18beta1', 18],
  ])('of a version is parsed: %s', (line, major) => {
    expect(dialectOf(line)).toMatchObject({ major });
  });

  it.each(['postgres (PostgreSQL) 12.9', 'mysqld 8'])('of a version that cannot be run says so: %s', (line) => {
    expect(dialectOf(line)).toBeTypeOf('string');
  });
});

describe('password verifiers', () => {
  it('are what RFC 7677 says for its example', async () => {
    const salt = Buffer.from('W22ZaJ0SNY7soEsUEjb6gQ==', 'base64');
    expect(await scramVerifier('pencil', salt)).toBe(
      'SCRAM-SHA-256$4096:W22ZaJ0SNY7soEsUEjb6gQ==$WG5d8oPm3OtcPnkdi4Uo7BkeZkBFzpcXkuLmtbsT4qY=:wfPLwcE6nTWhTAmQ7tl2KeoiWGPlZqQxSrmfPwDl2dU=',
    );
  });
});

const CONTROL = `pg_control version number:            1300
Database system identifier:           7711119111741149349
Database cluster state:               shut down
Latest checkpoint location:           0/3000028
Latest checkpoint's REDO location:    0/3000028
Latest checkpoint's TimeLineID:       4
Minimum recovery ending location:     0/0
Min recovery ending loc's timeline:   0
wal_level setting:                    replica
wal_log_hints setting:                on
max_connections setting:              120
max_worker_processes setting:         8
max_wal_senders setting:              8
max_prepared_xacts setting:           0
max_locks_per_xact setting:           64
Bytes per WAL segment:                16777216
Data page checksum version:           1
`;
