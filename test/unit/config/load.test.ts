import { chmodSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { inspect } from 'node:util';
import { stringify } from 'yaml';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { checkConfig } from '../../../src/config/check.ts';
import { leavesOf } from '../../../src/config/environment.ts';
import { faultLines } from '../../../src/config/faults.ts';
import { createHost, type Host } from '../../../src/config/host.ts';
import { loadConfig } from '../../../src/config/load.ts';
import type { LocalConfig } from '../../../src/config/local.ts';
import { localSchema } from '../../../src/config/local-schema.ts';
import { secret } from '../../../src/config/secret.ts';
import { FILE, hostWith, LEAST } from './fake-host.ts';

const loaded = (host: Host, env: Record<string, string> = {}): LocalConfig => {
  const result = loadConfig(FILE, env, host);
  if (result.kind === 'ok') return result.value.config;
  throw new Error(faultLines(result.faults).join('\n'));
};

/** The section of a PostgreSQL. */
const pg = (config: LocalConfig) => {
  if (config.engine !== 'postgresql') throw new Error(`the engine is ${config.engine}`);
  return config.database;
};

const faults = (host: Host, env: Record<string, string> = {}): readonly string[] => {
  const result = loadConfig(FILE, env, host);
  return result.kind === 'faults' ? faultLines(result.faults) : [];
};

describe('a least configuration', () => {
  it('gets its defaults from the host and from other settings', () => {
    const config = loaded(hostWith(LEAST));
    expect(config.cluster).toEqual({ name: 'demo', prefix: '/haagent' });
    expect(config.member).toEqual({ name: 'db-1', stateDir: '/var/lib/haagent', runDir: '/run/haagent' });
    expect(config.api).toMatchObject({
      listen: { host: '0.0.0.0', port: 8010 },
      advertiseUrl: 'http://db-1.example.com:8010',
      control: undefined,
    });
    expect(pg(config)).toMatchObject({
      binDir: '/usr/lib/postgresql/15/bin',
      listenHost: '*',
      port: 5432,
      advertiseHost: 'db-1.example.com',
      socketDir: '/tmp',
      osUser: undefined,
      lostTailBytes: 1024 ** 3,
    });
    expect(config.hooks).toEqual({ commands: {}, timeout: 30_000 });
    expect(config.bootstrap.settings.timing.ttl).toBe(10_000);
  });

  it('uses the replication password for the accounts that have none', () => {
    const { credentials } = pg(loaded(hostWith(LEAST)));
    expect(Object.values(credentials).map((each) => [each.username, each.password.reveal()])).toEqual([
      ['postgres', 'one'],
      ['replicator', 'two'],
      ['haagent_rewind', 'two'],
      ['haagent', 'two'],
    ]);
  });

  it('runs the database as postgres where the agent is root', () => {
    expect(pg(loaded(hostWith(LEAST, {}, { uid: 0 }))).osUser).toEqual({ uid: 103, gid: 104 });
  });

  it('takes the programs of the version that made the data', () => {
    const files = { '/usr/lib/postgresql/17/bin/postgres': '', '/usr/pgsql-16/bin/postgres': '' };
    expect(pg(loaded(hostWith(LEAST, files))).binDir).toBe('/usr/lib/postgresql/17/bin');
    expect(pg(loaded(hostWith(LEAST, { ...files, '/data/pg/PG_VERSION': '16\n' }))).binDir).toBe('/usr/pgsql-16/bin');
    expect(faults(hostWith(LEAST, { '/data/pg/PG_VERSION': '14\n' }))[0]).toContain('no PostgreSQL 14 below');
  });
});

describe('values', () => {
  it('are compiled to the form that the program uses', () => {
    const config = loaded(
      hostWith(
        {
          ...LEAST,
          member: { name: 'a', state_dir: '/srv/a/state', run_dir: '/srv/a/run' },
          etcd: {
            endpoints: ['10.0.0.9:2379', 'https://[::1]:2379/'],
            username: 'ha',
            password_file: '/etc/haagent/etcd',
          },
          api: { listen: '127.0.0.1:9001', advertise: '10.0.0.1:9001', control: { username: 'admin', password: 'p' } },
          postgresql: {
            ...LEAST.postgresql,
            listen: '10.0.0.1',
            restore_command: ['/usr/bin/fetch', '%f', '%p', "it's"],
            archive: { command: 'cp %p /archive/%f' },
            clone_methods: [{ name: 'backrest', command: ['/usr/bin/pgbackrest', 'restore'], keep_data: true }],
            parameters: { shared_preload_libraries: 'pg_stat_statements', log_connections: true },
          },
          hooks: { on_role_change: ['/usr/local/bin/tell', 'role'], timeout: '5s' },
          tags: { nosync: true, custom: { rack: 7 } },
          bootstrap: { settings: { ttl: '20s', replication: { mode: 'async' } } },
          telemetry: { log_level: 'debug' },
        },
        { '/etc/haagent/etcd': 'secret\n' },
      ),
    );
    expect(config.etcd.endpoints).toEqual(['http://10.0.0.9:2379', 'https://[::1]:2379']);
    expect(config.etcd.password?.reveal()).toBe('secret');
    expect(config.api.advertiseUrl).toBe('http://10.0.0.1:9001');
    expect(pg(config).advertiseHost).toBe('10.0.0.1');
    expect(pg(config).restoreCommand).toBe(`/usr/bin/fetch %f %p 'it'\\''s'`);
    expect(pg(config).archive).toEqual({ command: 'cp %p /archive/%f', mode: 'on' });
    expect(pg(config).customClone).toEqual([
      { name: 'backrest', command: ['/usr/bin/pgbackrest', 'restore'], keepData: true },
    ]);
    expect(pg(config).parameters).toEqual({
      shared_preload_libraries: 'pg_stat_statements',
      log_connections: 'on',
    });
    expect(config.hooks).toEqual({ commands: { on_role_change: ['/usr/local/bin/tell', 'role'] }, timeout: 5_000 });
    expect(config.tags).toMatchObject({ nosync: true, custom: { rack: '7' } });
    expect(config.bootstrap.settings.timing.ttl).toBe(20_000);
    expect(config.bootstrap.document).toEqual({ ttl: '20s', replication: { mode: 'async' } });
  });

  it('come from the environment over the file', () => {
    const config = loaded(hostWith(LEAST), {
      HAAGENT_MEMBER_NAME: 'b',
      HAAGENT_ETCD_ENDPOINTS: '10.0.0.7:2379,10.0.0.8:2379',
      HAAGENT_POSTGRESQL_PORT: '6000',
      HAAGENT_POSTGRESQL_AUTHENTICATION_SUPERUSER_PASSWORD: '12345',
      HAAGENT_POSTGRESQL_PARAMETERS: '{work_mem: 8MB}',
      HAAGENT_TAGS_NOFAILOVER: 'true',
      HAAGENT_HOOKS_ON_START: '[/bin/true, x]',
      HAAGENT_BOOTSTRAP_SETTINGS: '{ttl: 5s}',
    });
    expect(config.member.name).toBe('b');
    expect(config.etcd.endpoints).toEqual(['http://10.0.0.7:2379', 'http://10.0.0.8:2379']);
    expect(pg(config).port).toBe(6000);
    expect(pg(config).credentials.superuser.password.reveal()).toBe('12345');
    expect(pg(config).parameters).toEqual({ work_mem: '8MB' });
    expect(config.tags.nofailover).toBe(true);
    expect(config.hooks.commands.on_start).toEqual(['/bin/true', 'x']);
    expect(config.bootstrap.settings.timing.ttl).toBe(5_000);
  });

  it('can come from the environment alone', () => {
    const result = loadConfig(
      undefined,
      {
        HAAGENT_CLUSTER_NAME: 'demo',
        HAAGENT_ETCD_ENDPOINTS: 'http://10.0.0.7:2379',
        HAAGENT_POSTGRESQL_DATA_DIR: '/data/pg',
        HAAGENT_POSTGRESQL_AUTHENTICATION_SUPERUSER_PASSWORD: 'x',
        HAAGENT_POSTGRESQL_AUTHENTICATION_REPLICATION_PASSWORD: 'y',
      },
      hostWith({}),
    );
    expect(result.kind).toBe('ok');
  });

  it('have one environment name each', () => {
    const names = leavesOf(localSchema).map((leaf) => leaf.env);
    expect(new Set(names).size).toBe(names.length);
  });

  it('names a variable that is probably meant as a setting', () => {
    const result = loadConfig(FILE, { HAAGENT_MEMBER_NAEM: 'b', HAAGENT_GUARD_TOKEN: 'x' }, hostWith(LEAST));
    expect(result.kind === 'ok' && result.value.notes).toEqual([
      'HAAGENT_MEMBER_NAEM in the environment is no setting; did you mean HAAGENT_MEMBER_NAME?',
    ]);
  });
});

describe('faults', () => {
  it('are all listed, in the order of their lines, with what was found and what would be right', () => {
    const text = `cluster: { name: demo }
member:
  name: A
  state_dri: /tmp/x
etcd:
  endpoints:
    - 10.0.0.1:2379
    - ftp://x
postgresql:
  data_dir: data
  port: 70000
  authentication:
    superuser: { password: 's3cret' }
  parameters: { port: 1 }
  bin_dir: /nowhere
bootstrap: { settings: { ttl: 10 } }
restapi: {}
`;
    expect(faults(hostWith(text), { HAAGENT_TAGS_NOFAILOVER: 'maybe' })).toEqual([
      'HAAGENT_TAGS_NOFAILOVER: tags.nofailover: found "maybe"; wanted: true or false',
      expect.stringMatching(/^line 3: member\.name: found "A"; wanted: a member name/),
      'line 4: member.state_dri: found a setting that does not exist; wanted: did you mean member.state_dir?',
      'line 8: etcd.endpoints[1]: found "ftp://x"; wanted: http://host:port or https://host:port',
      'line 10: postgresql.data_dir: found "data"; wanted: an absolute path, beginning with /',
      'line 11: postgresql.port: found 70000; wanted: a port from 1 to 65535',
      expect.stringMatching(/^line 14: postgresql\.parameters\.port: found 1; wanted: not here, but postgresql\.port/),
      expect.stringMatching(/^line 16: bootstrap\.settings\.ttl: found 10; wanted: a length of time/),
      'line 17: restapi: found a setting that does not exist; wanted: that is api here',
    ]);
  });

  it('of the host are named beside faults of form', () => {
    const lines = faults(
      hostWith({
        ...LEAST,
        telemetry: { log_level: 'loud' },
        postgresql: { data_dir: '/data/pg', bin_dir: '/nowhere', os_user: 'nobody-here' },
      }),
    );
    expect(lines.join('\n')).toMatch(/log_level: found "loud"; wanted: one of debug, info, warn, error/);
    expect(lines.join('\n')).toMatch(/bin_dir: found \/nowhere, where no postgres is/);
    expect(lines.join('\n')).toMatch(/os_user: found "nobody-here"; wanted: a user of \/etc\/passwd, or uid:gid/);
    expect(lines.join('\n')).toMatch(/superuser\.password: found nothing; wanted: a password, or password_file/);
    expect(lines.join('\n')).toMatch(/replication\.password: found nothing/);
  });

  it.each([
    [
      'both ways to give a secret',
      { etcd: { endpoints: ['10.0.0.1:1'], username: 'u', password: 'x', password_file: '/f' } },
      'both password and password_file',
    ],
    [
      'a user without a password',
      { etcd: { endpoints: ['10.0.0.1:1'], username: 'u' } },
      'only one of username and password',
    ],
    [
      'plain etcd with certificates',
      { etcd: { endpoints: ['10.0.0.1:1'], tls: { ca_file: '/ca' } } },
      'an http:// address besides etcd.tls',
    ],
    ['state inside the data', { member: { state_dir: '/data/pg/state' } }, 'inside postgresql.data_dir'],
    ['one port for two servers', { api: { listen: '0.0.0.0:5432' } }, 'port 5432, which is postgresql.port too'],
    [
      'an advertised address without a port',
      { api: { advertise: '10.0.0.1' } },
      'wanted: host:port or http://host:port',
    ],
    ['a hook that is no absolute path', { hooks: { on_start: ['tell'] } }, 'a list that begins with the absolute path'],
    ['a root database', { postgresql: { ...LEAST.postgresql, os_user: '0:0' } }, 'a user other than root'],
  ])('names %s', (_, change, expected) => {
    const host = hostWith({ ...LEAST, ...change }, { '/f': 'x', '/ca': 'x' });
    expect(faults(host).join('\n')).toContain(expected);
  });

  it('never show a secret', () => {
    const host = hostWith({
      ...LEAST,
      etcd: { endpoints: ['10.0.0.1:1'], password: 771_234 },
      api: { peers_secret: 881_234 },
    });
    const text = faults(host, { HAAGENT_POSTGRESQL_AUTHENTICATION_REWIND_PASSWORD: '99\u0001' }).join('\n');
    expect(text).toContain('password: found ***');
    expect(text).not.toMatch(/771234|881234|99/);
  });

  it('name the line where the text is not YAML', () => {
    expect(faults(hostWith('cluster:\n  name: a\n name: b\n'))[0]).toMatch(/^line 3: found text that is not YAML/);
    expect(faults(hostWith('cluster: {name: a}\ncluster: {name: b}\n'))[0]).toMatch(/^line 2: .*unique/);
    expect(faults(hostWith('just text'))[0]).toContain('found no section at all');
    expect(faults(hostWith(''))[0]).toContain('found no section at all');
  });
});

describe('files with secrets', () => {
  let dir = '';
  beforeEach(() => {
    dir = mkdtempSync(join(tmpdir(), 'haagent-config-'));
  });
  afterEach(() => rmSync(dir, { recursive: true }));

  const write = (name: string, text: string, mode: number): string => {
    const path = join(dir, name);
    writeFileSync(path, text);
    chmodSync(path, mode);
    return path;
  };

  it.each([0o644, 0o640, 0o604])('may not be readable by others (%o)', (mode) => {
    const path = write('haagent.yml', stringify(LEAST), mode);
    expect(checkConfig(path, {}, createHost()).text).toContain(`wanted: chmod 600 ${path}`);
  });

  it('may be readable by others when they hold no secret', () => {
    const password_file = write('password', 'x', 0o600);
    const authentication = { superuser: { password_file }, replication: { password_file } };
    const path = write(
      'haagent.yml',
      stringify({ ...LEAST, postgresql: { ...LEAST.postgresql, authentication } }),
      0o644,
    );
    expect(checkConfig(path, {}, createHost()).text).not.toContain('chmod');
  });

  it('named by password_file are held to the same', () => {
    const password_file = write('password', 'x', 0o644);
    const authentication = { superuser: { password_file }, replication: { password_file } };
    const path = write(
      'haagent.yml',
      stringify({ ...LEAST, postgresql: { ...LEAST.postgresql, authentication } }),
      0o644,
    );
    expect(checkConfig(path, {}, createHost()).text).toContain(`chmod 600 ${password_file}`);
  });
});

describe('a secret', () => {
  it('prints as *** wherever it is printed by accident', () => {
    const hidden = secret('hunter2');
    const texts = [
      JSON.stringify({ hidden }),
      inspect({ hidden }),
      String(hidden),
      inspect(hidden, { showHidden: true }),
    ];
    for (const text of texts) {
      expect(text).toContain('***');
      expect(text).not.toContain('hunter2');
    }
    expect(hidden.reveal()).toBe('hunter2');
  });
});
