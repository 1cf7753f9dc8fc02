import { describe, expect, it } from 'vitest';
import { checkConfig } from '../../../src/config/check.ts';
import { leavesOf } from '../../../src/config/environment.ts';
import { faultLines } from '../../../src/config/faults.ts';
import type { Host } from '../../../src/config/host.ts';
import { initConfig } from '../../../src/config/init.ts';
import { loadConfig } from '../../../src/config/load.ts';
import type { LocalConfig } from '../../../src/config/local.ts';
import { localSchema } from '../../../src/config/local-schema.ts';
import { fakeHost, FILE, hostWith, LEAST, PG15 } from './fake-host.ts';

const loaded = (host: Host): LocalConfig => {
  const result = loadConfig(FILE, {}, host);
  if (result.kind === 'ok') return result.value.config;
  throw new Error(faultLines(result.faults).join('\n'));
};

const faults = (host: Host): readonly string[] => {
  const result = loadConfig(FILE, {}, host);
  return result.kind === 'faults' ? faultLines(result.faults) : [];
};

describe('checkConfig', () => {
  it('says what a usable configuration means', () => {
    const report = checkConfig(FILE, {}, hostWith(LEAST));
    expect(report.usable).toBe(true);
    expect(report.text).toContain('member db-1 of cluster demo below /haagent');
    expect(report.text).not.toMatch(/one|two/);
  });

  it('counts the faults of one that is not', () => {
    const report = checkConfig(FILE, {}, hostWith({ ...LEAST, cluster: {} }));
    expect(report).toEqual({
      usable: false,
      text: `${FILE}: 1 fault\n  line 1: cluster.name: found nothing; wanted: a cluster name: lower case letters, digits, - and _, at most 63, beginning with a letter or digit`,
    });
  });
});

describe('initConfig', () => {
  const secrets = { '/etc/haagent/superuser.password': 'x', '/etc/haagent/replication.password': 'y' };

  it('writes a commented file that can be used as it is', () => {
    const { text, notes } = initConfig({ cluster: 'orders', member: 'a' }, hostWith({}, secrets));
    const config = loaded(hostWith(text, secrets));
    expect([config.cluster.name, config.member.name]).toEqual(['orders', 'a']);
    expect(notes).toEqual([]);
  });

  it('has every setting in it, with its meaning', () => {
    const { text } = initConfig({}, hostWith({}));
    for (const { path } of leavesOf(localSchema)) expect(text).toMatch(new RegExp(`^ *(# )?${path.at(-1)}:`, 'm'));
  });

  it('can be used with every default uncommented', () => {
    const { text } = initConfig({}, hostWith({}));
    const open = text.replaceAll(/^( *)# (\w+:( .*)?)$/gm, '$1$2');
    expect(open).toContain('\napi:\n');
    expect(faults(hostWith(open, secrets)).filter((line) => line.includes('not YAML'))).toEqual([]);
  });

  it('finds out what a server that is there already says', () => {
    const dataDir = '/var/lib/postgresql/15/main';
    const host = hostWith(
      {},
      {
        ...secrets,
        [`${dataDir}/PG_VERSION`]: '15\n',
        [`${dataDir}/postgresql.auto.conf`]: "port = '6001' # changed\n",
        '/etc/postgresql/15/main/postgresql.conf':
          "port = 6000\nlisten_addresses = '10.0.0.1' \n#x\nunix_socket_directories='/var/run/postgresql'",
      },
    );
    const { text, notes } = initConfig({ dataDir }, host);
    const { database } = loaded(fakeHost({ ...secrets, [FILE]: text, [PG15]: '', [`${dataDir}/PG_VERSION`]: '15' }));
    expect(database).toMatchObject({
      dataDir,
      port: 6001,
      listenHost: '10.0.0.1',
      socketDir: '/var/run/postgresql',
      configFile: '/etc/postgresql/15/main/postgresql.conf',
    });
    expect(notes).toEqual([`${dataDir} holds PostgreSQL 15`]);
  });

  it('says that a running server has to be stopped first', () => {
    const host = hostWith(
      {},
      { ...secrets, '/d/PG_VERSION': '15\n', '/d/postmaster.pid': '7\n/d\n170\n6002\n/tmp\n*\n' },
    );
    const { text, notes } = initConfig({ dataDir: '/d' }, host);
    expect(text).toContain('  port: 6002\n');
    expect(text).toContain('  socket_dir: /tmp\n');
    expect(notes[0]).toContain('which is running: stop it');
  });
});
