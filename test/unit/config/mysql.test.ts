import { describe, expect, it } from 'vitest';
import { checkConfig } from '../../../src/config/check.ts';
import { faultLines } from '../../../src/config/faults.ts';
import { initConfig } from '../../../src/config/init.ts';
import { loadConfig } from '../../../src/config/load.ts';
import type { LocalConfig } from '../../../src/config/local.ts';
import { fakeHost, FILE, hostWith, LEAST } from './fake-host.ts';

const PASSWD = 'root:x:0:0::/root:/bin/sh\nmysql:x:104:107::/var/lib/mysql:/bin/false\n';
const SECTION = {
  data_dir: '/data/my',
  authentication: { superuser: { password: 'one' }, replication: { password: 'two' } },
};
const { postgresql, ...COMMON } = LEAST;

const hostOf = (engine: 'mysql' | 'mariadb', section: object = {}, other: { uid?: number } = {}, more: object = {}) =>
  hostWith(
    { ...COMMON, [engine]: { ...SECTION, ...section }, ...more },
    { '/etc/passwd': PASSWD, '/usr/sbin/mariadbd': '', '/usr/sbin/mysqld': '' },
    other,
  );
const loaded = (host: ReturnType<typeof hostOf>): LocalConfig => {
  const result = loadConfig(FILE, {}, host);
  if (result.kind === 'ok') return result.value.config;
  throw new Error(faultLines(result.faults).join('\n'));
};
const faults = (host: ReturnType<typeof hostOf>): readonly string[] => {
  const result = loadConfig(FILE, {}, host);
  return result.kind === 'faults' ? faultLines(result.faults) : [];
};

describe.each(['mysql', 'mariadb'] as const)('a section %s', (engine) => {
  it('gets its defaults from the host', () => {
    const config = loaded(hostOf(engine, {}, { uid: 0 }));
    expect(config.engine).toBe(engine);
    expect(config.database).toMatchObject({
      dataDir: '/data/my',
      port: 3306,
      advertiseHost: 'db-1.example.com',
      socketDir: '/run/mysqld',
      osUser: { uid: 104, gid: 107 },
    });
    const { superuser, replication, agent } = config.database.credentials;
    expect([superuser, replication, agent].map((each) => `${each.username} ${each.password.reveal()}`)).toEqual([
      'root one',
      'replicator two',
      'haagent two',
    ]);
  });

  it('refuses to begin with a promise that the servers cannot keep', () => {
    const settings = (replication: object) => hostOf(engine, {}, {}, { bootstrap: { settings: { replication } } });
    expect(faults(settings({ mode: 'quorum', acks: 2 })).join()).toMatch(
      /bootstrap\.settings\.replication\.(mode|acks).*cannot be made to wait/,
    );
    expect(faults(settings({ mode: 'async', acks: 2 }))).toEqual([]);
  });

  it('is checked as a whole, with every fault at once', () => {
    expect(
      faults(
        hostOf(engine, {
          port: 0,
          bin_dir: '/nowhere',
          authentication: { superuser: { username: 'haagent', password: 'one' } },
        }),
      ).join('\n'),
    ).toMatch(
      new RegExp(`replication.password: found nothing[^]*${engine}.port: found 0[^]*${engine}.bin_dir: found /nowhere`),
    );
    expect(
      faults(
        hostOf(engine, {
          authentication: { ...SECTION.authentication, agent: { username: 'root', password: 'three' } },
        }),
      ),
    ).toEqual([expect.stringContaining('one name for two accounts')]);
  });

  it('is made and checked by the program', () => {
    const { text } = initConfig({ engine, dataDir: '/data/my' }, fakeHost({}));
    expect(text).toContain(`\n${engine}:\n`);
    expect(text).not.toContain('postgresql:');
    const host = fakeHost({
      [FILE]: text,
      '/etc/passwd': PASSWD,
      '/usr/sbin/mariadbd': '',
      '/usr/sbin/mysqld': '',
      '/etc/haagent/superuser.password': 'one',
      '/etc/haagent/replication.password': 'two',
    });
    expect(checkConfig(FILE, {}, host)).toEqual({
      usable: true,
      text: expect.stringMatching(/(MySQL|MariaDB) in \/data\/my by \/usr\/sbin/),
    });
  });
});

it('a file has exactly one database', () => {
  expect(faults(hostWith(COMMON))[0]).toContain('exactly one section postgresql, mysql or mariadb');
  expect(faults(hostWith({ ...COMMON, postgresql, mariadb: SECTION }, { '/usr/sbin/mariadbd': '' }))[0]).toContain(
    'found sections postgresql and mariadb',
  );
});
