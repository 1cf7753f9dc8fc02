import { parseMemberName, type MemberName } from '../core/brand.ts';
import { compileMysql } from './compile-mysql.ts';
import { compilePostgresql } from './compile-postgresql.ts';
import { present, type Compiling } from './compiling.ts';
import { faultAt, type Fault, type Result } from './faults.ts';
import { parseAddress } from './fields.ts';
import type { Host } from './host.ts';
import { acknowledgementFaults, mostAcksOf } from './limits.ts';
import type { ApiConfig, EngineConfig, EtcdConfig, LocalConfig } from './local.ts';
import type { WrittenLocal } from './local-schema.ts';
import { createSecrets } from './secrets.ts';
import { compileSettings } from './settings.ts';

/**
 * Makes the only form that the program sees of what was written: defaults that depend on the host, files read, settings
 * held against each other. Gives every fault at once. Reads files, changes nothing.
 */
export const compileLocal = (written: WrittenLocal, host: Host): Result<LocalConfig> => {
  const faults: Fault[] = [];
  const fault = (at: readonly PropertyKey[], found: string, wanted: string): void => {
    faults.push(faultAt(at, found, wanted));
  };
  const compiling: Compiling = { host, fault, secrets: createSecrets(host, fault) };
  const name = memberNameOf(written, compiling);
  const etcd = compileEtcd(written.etcd, compiling);
  const engine = compileEngine(written, compiling);
  const api = compileApi(written.api, engine?.database.advertiseHost, compiling);
  const settings = compileSettings(written.bootstrap.settings);
  if (engine !== undefined && settings.kind === 'ok')
    for (const each of acknowledgementFaults(settings.value, mostAcksOf(engine.engine)))
      fault(['bootstrap', 'settings', ...each.at], each.found, each.wanted);
  for (const each of ENGINES)
    if (written.api.listen.port === written[each]?.port)
      fault(['api', 'listen'], `port ${written.api.listen.port}, which is ${each}.port too`, 'another port');
  if (faults.length > 0) return { kind: 'faults', faults };
  if (
    name === undefined ||
    settings.kind === 'faults' ||
    etcd === undefined ||
    api === undefined ||
    engine === undefined
  )
    throw new Error('a section was not compiled, but no fault was named');
  const { tags } = written;
  const { timeout, ...commands } = written.hooks;
  return {
    kind: 'ok',
    value: {
      cluster: written.cluster,
      member: { name, stateDir: written.member.state_dir, runDir: written.member.run_dir },
      etcd,
      api,
      ...engine,
      guard: {
        supervised: written.guard.supervised,
        cgroup: written.guard.cgroup,
        cutPort: written.guard.cut_port,
      },
      watchdog: written.watchdog,
      hooks: { commands: present(commands), timeout },
      tags: {
        nofailover: tags.nofailover,
        failoverPriority: tags.failover_priority,
        noloadbalance: tags.noloadbalance,
        clonefrom: tags.clonefrom,
        replicatefrom: tags.replicatefrom,
        nosync: tags.nosync,
        syncPriority: tags.sync_priority,
        custom: tags.custom,
      },
      bootstrap: { settings: settings.value, document: written.bootstrap.settings },
      telemetry: { logLevel: written.telemetry.log_level, logFile: written.telemetry.log_file },
    },
  };
};

const ENGINES = ['postgresql', 'mysql', 'mariadb'] as const;

/** The one section of a database that is there. */
const compileEngine = (written: WrittenLocal, compiling: Compiling): EngineConfig | undefined => {
  const there = ENGINES.filter((name) => written[name] !== undefined);
  const wanted = 'exactly one section postgresql, mysql or mariadb';
  if (there.length !== 1) {
    compiling.fault([], there.length === 0 ? 'no section for the database' : `sections ${there.join(' and ')}`, wanted);
    return undefined;
  }
  if (written.postgresql !== undefined) {
    const database = compilePostgresql(written.postgresql, written.member, compiling);
    return database && { engine: 'postgresql', database };
  }
  const engine = written.mysql === undefined ? 'mariadb' : 'mysql';
  const section = written.mysql ?? written.mariadb;
  const database = section && compileMysql(engine, section, written.member, compiling);
  return database && { engine, database };
};

const memberNameOf = (written: WrittenLocal, { host, fault }: Compiling): MemberName | undefined => {
  if (written.member.name !== undefined) return written.member.name;
  const [short = ''] = host.name.toLowerCase().split('.');
  const name = parseMemberName(short);
  if (name === undefined)
    fault(['member', 'name'], `nothing, and the host's name ${JSON.stringify(host.name)} cannot be one`, 'a name');
  return name;
};

const compileEtcd = (written: WrittenLocal['etcd'], { fault, secrets }: Compiling): EtcdConfig | undefined => {
  const password = secrets.choose(['etcd'], 'password', written.password, written.password_file);
  if ((written.username === undefined) !== (password === undefined))
    fault(['etcd'], 'only one of username and password', 'both, or none of them');
  const { tls } = written;
  if (tls !== undefined && written.endpoints.some((each) => each.startsWith('http://')))
    fault(['etcd', 'endpoints'], 'an http:// address besides etcd.tls', 'https:// addresses only');
  if ((tls?.cert_file === undefined) !== (tls?.key_file === undefined))
    fault(['etcd', 'tls'], 'only one of cert_file and key_file', 'both, or none of them');
  const ca = secrets.text(['etcd', 'tls', 'ca_file'], tls?.ca_file);
  const cert = secrets.text(['etcd', 'tls', 'cert_file'], tls?.cert_file);
  const key = secrets.file(['etcd', 'tls', 'key_file'], tls?.key_file);
  return {
    endpoints: written.endpoints,
    tls: tls === undefined ? undefined : present({ ca, cert, key }),
    username: written.username,
    password,
  };
};

const compileApi = (
  written: WrittenLocal['api'],
  databaseHost: string | undefined,
  compiling: Compiling,
): ApiConfig | undefined => {
  const { fault, secrets } = compiling;
  const scheme = written.tls === undefined ? 'http' : 'https';
  const host = databaseHost?.includes(':') === true ? `[${databaseHost}]` : databaseHost;
  const advertised = written.advertise ?? `${host ?? 'localhost'}:${written.listen.port}`;
  const bare = advertised.replace(/^https?:\/\//, '').replace(/\/$/, '');
  const advertiseUrl = advertised.includes('://') ? advertised.replace(/\/$/, '') : `${scheme}://${bare}`;
  if (parseAddress(bare) === undefined || !advertiseUrl.startsWith(`${scheme}://`))
    fault(['api', 'advertise'], JSON.stringify(advertised), `host:port or ${scheme}://host:port`);
  const { tls, control } = written;
  const cert = secrets.text(['api', 'tls', 'cert_file'], tls?.cert_file);
  const key = secrets.file(['api', 'tls', 'key_file'], tls?.key_file);
  const ca = secrets.text(['api', 'tls', 'ca_file'], tls?.ca_file);
  if (tls !== undefined && tls.verify_client !== 'none' && tls.ca_file === undefined)
    fault(
      ['api', 'tls', 'ca_file'],
      'nothing',
      `the authorities of client certificates, for verify_client: ${tls.verify_client}`,
    );
  const password = secrets.choose(['api', 'control'], 'password', control?.password, control?.password_file);
  if (control !== undefined && password === undefined && control.password_file === undefined)
    fault(['api', 'control', 'password'], 'nothing', 'a password, or password_file');
  return {
    listen: written.listen,
    advertiseUrl,
    tls:
      cert === undefined || key === undefined || tls === undefined
        ? undefined
        : { cert, key, ...present({ ca }), verifyClient: tls.verify_client },
    control: control === undefined || password === undefined ? undefined : { username: control.username, password },
    allowFrom: written.allow_from,
    peersSecret: secrets.choose(['api'], 'peers_secret', written.peers_secret, written.peers_secret_file),
  };
};
