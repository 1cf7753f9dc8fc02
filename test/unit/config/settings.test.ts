import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { parameterFault as refusedByServer } from '../../../src/adapters/postgres/parameters.ts';
import { faultLines } from '../../../src/config/faults.ts';
import { parameterFault } from '../../../src/config/parameters.ts';
import { compileSettings, patchSettings, settingsDiff } from '../../../src/config/settings.ts';
import type { SettingsDocument } from '../../../src/core/model.ts';
import { DEFAULT_SETTINGS, type Settings } from '../../../src/core/settings.ts';

const compiled = (document: unknown): Settings => {
  const result = compileSettings(document);
  if (result.kind === 'ok') return result.value;
  throw new Error(faultLines(result.faults).join('\n'));
};

const faults = (document: unknown): readonly string[] => {
  const result = compileSettings(document);
  return result.kind === 'faults' ? faultLines(result.faults) : [];
};

describe('compileSettings', () => {
  it('gives the defaults for an empty document', () => {
    expect(compiled({})).toEqual(DEFAULT_SETTINGS);
  });

  it('reads every setting', () => {
    const slots = { cdc: { type: 'logical', database: 'app', plugin: 'pgoutput' }, dr: { type: 'physical' } };
    expect(
      compiled({
        ttl: '20s',
        timing: { heartbeat_interval: '3s', call_timeout: '1s', fence_budget: '4s', margin: '200ms', drift: 0.002 },
        replication: { mode: 'async', acks: 2, strict: true, max_lag_on_failover: '16MB' },
        on_crash: 'failover',
        crash_restart_timeout: '2min',
        failsafe: false,
        pause: true,
        slot_retention: '1d',
        parameters: { work_mem: '8MB', max_connections: 200, log_connections: true },
        access_rules: ['host all all 10.0.0.0/8 scram-sha-256'],
        slots,
      }),
    ).toEqual({
      timing: {
        ttl: 20_000,
        heartbeatInterval: 3_000,
        callTimeout: 1_000,
        fenceBudget: 4_000,
        margin: 200,
        drift: 0.002,
      },
      replication: {
        mode: 'async',
        acks: 2,
        strict: true,
        maxLagOnFailover: 16_777_216,
        maxLagOnVoter: 16_777_216,
        suspectAfter: 1_500,
      },
      onCrash: 'failover',
      crashRestartTimeout: 120_000,
      failsafe: false,
      pause: true,
      slotRetention: 86_400_000,
      parameters: { work_mem: '8MB', max_connections: '200', log_connections: 'on' },
      accessRules: ['host all all 10.0.0.0/8 scram-sha-256'],
      slots,
    });
  });

  it('scales the other times with a smaller ttl, but not what is set', () => {
    expect(compiled({ ttl: '5s', timing: { margin: '100ms' } }).timing).toEqual({
      ttl: 5_000,
      heartbeatInterval: 1_000,
      callTimeout: 750,
      fenceBudget: 1_000,
      margin: 100,
      drift: 0.001,
    });
  });

  it('names the inequality that does not hold', () => {
    expect(faults({ ttl: '5s', timing: { fence_budget: '4s' } })[0]).toMatch(
      /^timing: .*heartbeat_interval \+ 2 x call_timeout \+ fence_budget \+ margin <= ttl x \(1 - drift\) does not hold/,
    );
  });

  it('lists every fault at once, with what would be right', () => {
    expect(
      faults({
        ttl: 10,
        tmiing: {},
        loop_wait: 10,
        replication: { mode: 'on', acks: 0 },
        pause: 'yes',
        slots: { A: { type: 'physical' }, b: { type: 'logical' } },
        access_rules: ['@include x', 'host all all 0.0.0.0/0 trust\nlocal all all trust'],
        parameters: { work_mem: {} },
      }),
    ).toEqual([
      expect.stringMatching(/^ttl: found 10; wanted: a length of time with its unit from 3s to 1min, such as 10s/),
      expect.stringMatching(/^replication\.mode: found "on"; wanted: .*async/),
      'replication.acks: found 0; wanted: at least 1',
      'pause: found "yes"; wanted: true or false',
      'parameters.work_mem: found a section; wanted: text, a number, true or false',
      expect.stringMatching(/^access_rules\[0\]: .*wanted: names, not files/),
      expect.stringMatching(/^access_rules\[1\]: .*wanted: one line/),
      expect.stringMatching(/^slots\.b: .*wanted: database and plugin/),
      expect.stringMatching(/^slots\.A: .*wanted: a slot name/),
      'tmiing: found a setting that does not exist; wanted: did you mean timing?',
      'loop_wait: found a setting that does not exist; wanted: that is timing.heartbeat_interval here',
    ]);
  });

  it('refuses acknowledgements that are not on disk together with strict', () => {
    const weak = { replication: { mode: 'async', strict: true }, parameters: { synchronous_commit: 'remote_write' } };
    expect(faults(weak)[0]).toContain('parameters.synchronous_commit: found "remote_write"');
    expect(faults({ ...weak, replication: { mode: 'async' } })).toEqual([]);
  });

  it('never throws, whatever the document is', () => {
    fc.assert(fc.property(fc.anything(), (anything) => ['ok', 'faults'].includes(compileSettings(anything).kind)));
    const known = fc.constantFrom(
      'ttl',
      'timing',
      'replication',
      'pause',
      'slots',
      'parameters',
      'access_rules',
      'on_crash',
    );
    const inner = fc.oneof(
      fc.jsonValue(),
      fc.dictionary(fc.constantFrom('work_mem', 'port', 'mode', 'margin', 'type'), fc.jsonValue()),
    );
    fc.assert(
      fc.property(fc.dictionary(known, inner), (document) => ['ok', 'faults'].includes(compileSettings(document).kind)),
      { numRuns: 300 },
    );
  });
});

describe('a hostile document', () => {
  it('with very many names is refused without looking long at each', () => {
    const lines = faults(Object.fromEntries(Array.from({ length: 5_000 }, (_, index) => [`name${index}`, 1])));
    expect(lines).toHaveLength(51);
    expect(lines.at(-1)).toBe('found 4950 more settings that do not exist; wanted: none of them');
  });
});

describe('parameters that may come from etcd', () => {
  const refused = [
    'archive_command',
    'restore_command',
    'archive_cleanup_command',
    'recovery_end_command',
    'archive_library',
    'shared_preload_libraries',
    'session_preload_libraries',
    'local_preload_libraries',
    'dynamic_library_path',
    'ssl_passphrase_command',
    'oauth_validator_libraries',
    'basebackup_to_shell.command',
    'plperl.on_init',
    'plperl.on_plperlu_init',
    'pltclu.start_proc',
    'jit_provider',
    'primary_conninfo',
    'primary_slot_name',
    'listen_addresses',
    'port',
    'hba_file',
    'ident_file',
    'data_directory',
    'config_file',
    'external_pid_file',
    'unix_socket_directories',
    'synchronous_standby_names',
    'fsync',
    'full_page_writes',
    'recovery_target_time',
    'log_directory',
    'ssl_key_file',
    'zero_damaged_pages',
    'debug_io_direct',
    'restart_after_crash',
    'Work_Mem',
    'a b',
    'x;y',
    '',
    "a'",
    '__proto__ ',
  ];
  it.each(refused)('refuses %s', (name) => expect(parameterFault(name, 'x')).toBeTypeOf('string'));

  it('says where a refused one is set instead', () => {
    expect(faults({ parameters: { archive_command: 'cp' } })[0]).toContain(
      'postgresql.archive.command in the local file',
    );
    expect(faults({ parameters: { shared_preload_libraries: 'x' } })[0]).toContain(
      'set postgresql.parameters.shared_preload_libraries in the local file',
    );
  });

  it.each(['work_mem', 'max_connections', 'wal_keep_size', 'auto_explain.log_min_duration', 'track_commit_timestamp'])(
    'takes %s',
    (name) => expect(parameterFault(name, '100')).toBeUndefined(),
  );

  it('refuses a value that would begin another line', () => {
    expect(parameterFault('work_mem', "1MB'\narchive_command = 'x")).toContain('one line');
  });

  it('takes nothing that the server side would leave out', () => {
    const names = [
      ...refused,
      'work_mem',
      'search_path',
      'lc_messages',
      'wal_level',
      'max_wal_senders',
      'hot_standby',
      'wal_log_hints',
      'cluster_name',
      'archive_mode',
      'password_encryption',
      'promote_trigger_file',
      'event_source',
      'allow_in_place_tablespaces',
      'allow_system_table_mods',
      'ignore_checksum_failure',
      'krb_server_keyfile',
    ];
    for (const value of ['x', '5', 'replica'])
      for (const name of names)
        if (refusedByServer(name, value, 'cluster') !== undefined)
          expect(parameterFault(name, value), `${name}=${value}`).toBeDefined();
  });
});

describe('patchSettings', () => {
  it('merges sections, replaces values, and deletes by null', () => {
    const document = {
      ttl: '20s',
      parameters: { work_mem: '4MB', max_wal_size: '1GB' },
      access_rules: ['local all all trust'],
    };
    expect(
      patchSettings(document, { ttl: null, parameters: { work_mem: '8MB', max_wal_size: null }, access_rules: [] }),
    ).toEqual({ parameters: { work_mem: '8MB' }, access_rules: [] });
    expect(document.ttl).toBe('20s');
  });

  it('leaves no null behind in what is new', () => {
    expect(patchSettings({}, { timing: { margin: null } })).toEqual({ timing: {} });
  });

  it('is the patch itself on nothing, and keeps everything on an empty patch', () => {
    const document: fc.Arbitrary<SettingsDocument> = fc.dictionary(
      fc.constantFrom('a', 'b', 'c'),
      fc.oneof(
        fc.integer(),
        fc.array(fc.integer()),
        fc.dictionary(fc.constantFrom('x', 'y'), fc.string(), { noNullPrototype: true }),
      ),
      { noNullPrototype: true },
    );
    fc.assert(
      fc.property(document, document, (one, other) => {
        expect(patchSettings({}, one)).toEqual(one);
        expect(patchSettings(one, {})).toEqual(one);
        expect(patchSettings(patchSettings(one, other), other)).toEqual(patchSettings(one, other));
      }),
    );
  });
});

describe('settingsDiff', () => {
  it('names each setting that changed, was added or removed', () => {
    expect(
      settingsDiff(
        { ttl: '20s', pause: true, parameters: { work_mem: '4MB' } },
        { ttl: '20s', parameters: { work_mem: '8MB', 'auto_explain.log_analyze': 'on' } },
      ),
    ).toEqual([
      { path: 'parameters.auto_explain.log_analyze', before: undefined, after: 'on' },
      { path: 'parameters.work_mem', before: '4MB', after: '8MB' },
      { path: 'pause', before: true, after: undefined },
    ]);
  });
});
