import { faultLines } from './faults.ts';
import type { Host } from './host.ts';
import { loadConfig } from './load.ts';
import type { LocalConfig } from './local.ts';

/** What `haagent config check FILE` prints, and whether the file can be used. */
export interface CheckReport {
  readonly usable: boolean;
  readonly text: string;
}

/** Checks a configuration and says in words what is wrong with it, or what it means. Secrets are never printed. */
export const checkConfig = (
  path: string | undefined,
  env: Readonly<Record<string, string | undefined>>,
  host?: Host,
): CheckReport => {
  const what = path ?? 'the environment';
  const result = loadConfig(path, env, host);
  if (result.kind === 'faults') {
    const { length } = result.faults;
    const head = `${what}: ${length} ${length === 1 ? 'fault' : 'faults'}`;
    return { usable: false, text: [head, ...faultLines(result.faults).map((line) => `  ${line}`)].join('\n') };
  }
  const notes = result.value.notes.map((note) => `  note: ${note}`);
  return { usable: true, text: [`${what}: can be used`, ...summary(result.value.config), ...notes].join('\n') };
};

const PRODUCTS = { postgresql: 'PostgreSQL', mysql: 'MySQL', mariadb: 'MariaDB' } as const;

const programsOf = (config: LocalConfig): string =>
  config.engine === 'postgresql' ? config.database.binDir : config.database.binDirs.join(', ');

const summary = (config: LocalConfig): readonly string[] => {
  const { cluster, member, etcd, api, database } = config;
  const { timing, replication } = config.bootstrap.settings;
  return [
    `  member ${member.name} of cluster ${cluster.name} below ${cluster.prefix}`,
    `  etcd ${etcd.endpoints.join(', ')}${etcd.username === undefined ? '' : ` as ${etcd.username}`}`,
    `  ${PRODUCTS[config.engine]} in ${database.dataDir} by ${programsOf(config)}, reached at ${database.advertiseHost}:${database.port}`,
    `  API at ${api.advertiseUrl}${api.control === undefined ? ', which changes nothing: api.control is not set' : ''}`,
    `  a new cluster begins with ttl ${timing.ttl} ms and ${replication.mode} replication`,
  ];
};
