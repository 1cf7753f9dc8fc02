import { stringify } from 'yaml';
import { agentConfig, type ConfigInput } from '../agent-config.ts';
import { postgresSection } from '../postgres-server.ts';
import { WRITER } from '../server.ts';
import type { MemberSpec } from '../lab.ts';
import type { Images } from './engine.ts';
import { API_PORT, DATABASE_PORT, type AgentProgram, type MemberPaths } from './member.ts';

/** What both agents are told of a member. */
export type ProgramInput = Pick<
  ConfigInput,
  'cluster' | 'etcdEndpoints' | 'host' | 'range' | 'superuser' | 'replicationPassword' | 'peersSecret'
> & {
  readonly spec: MemberSpec;
  readonly images: Images;
};

/** haagent as its image runs it. */
export const haagentProgram =
  (input: ProgramInput & { readonly settings: Readonly<Record<string, unknown>> }) =>
  (paths: MemberPaths): AgentProgram => {
    const config = agentConfig(postgresSection(input.images.binDir), {
      ...input,
      ...paths,
      name: input.spec.name,
      apiPort: API_PORT,
      port: DATABASE_PORT,
      shared: false,
      osUser: undefined,
      archiveCommand: undefined,
      tags: input.spec.tags ?? {},
    });
    for (const [section, values] of Object.entries(input.spec.config ?? {}))
      config[section] = { ...config[section], ...values };
    const configName = 'haagent.yml';
    return {
      image: input.images.agent,
      configName,
      config: stringify(config),
      command: ['haagent', 'run', '--config', `${paths.dir}/${configName}`],
      isAgent: ({ args }) => args.includes('run') && args.some((arg) => arg.endsWith('/haagent.js')),
    };
  };

/** The peer's timing and settings: its dynamic configuration. */
export interface PatroniSettings {
  /** All in seconds. */
  readonly ttl: number;
  readonly loopWait: number;
  readonly retryTimeout: number;
  /** The database's parameters, the same as ours. */
  readonly parameters: Readonly<Record<string, string | number>>;
}

/** Patroni as its own documentation sets it up for etcd 3: pg_rewind, slots, failsafe mode. */
export const patroniProgram =
  (input: ProgramInput & { readonly settings: PatroniSettings }) =>
  (paths: MemberPaths): AgentProgram => {
    const configName = 'patroni.yml';
    const login = { username: input.superuser.user, password: input.superuser.password };
    const config = {
      scope: input.cluster,
      name: input.spec.name,
      etcd3: { hosts: input.etcdEndpoints.map((endpoint) => new URL(endpoint).host) },
      restapi: { listen: `${input.host}:${API_PORT}`, connect_address: `${input.host}:${API_PORT}` },
      bootstrap: {
        dcs: {
          ttl: input.settings.ttl,
          loop_wait: input.settings.loopWait,
          retry_timeout: input.settings.retryTimeout,
          failsafe_mode: true,
          postgresql: { use_pg_rewind: true, use_slots: true, parameters: input.settings.parameters },
        },
        initdb: [{ encoding: 'UTF8' }, { locale: 'C.UTF-8' }, 'data-checksums'],
      },
      postgresql: {
        listen: `${input.host}:${DATABASE_PORT}`,
        connect_address: `${input.host}:${DATABASE_PORT}`,
        data_dir: paths.dataDir,
        bin_dir: input.images.binDir,
        pgpass: `${paths.dir}/state/pgpass`,
        authentication: {
          superuser: login,
          rewind: login,
          replication: { username: 'replicator', password: input.replicationPassword },
        },
        parameters: { unix_socket_directories: paths.socketDir },
        pg_hba: [
          'local all all trust',
          `host postgres ${WRITER} ${input.range} trust`,
          `host replication replicator ${input.range} scram-sha-256`,
          `host all all ${input.range} scram-sha-256`,
        ],
      },
      tags: input.spec.tags ?? {},
      watchdog: { mode: 'off' },
    };
    return {
      image: input.images.hosts,
      configName,
      config: stringify(config),
      command: ['patroni', `${paths.dir}/${configName}`],
      isAgent: ({ args }) =>
        args.some((arg) => arg.endsWith('/patroni')) && args.some((arg) => arg.endsWith(configName)),
    };
  };
