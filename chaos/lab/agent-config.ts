/** The role of the writers: it may do nothing but use its own table. */
export const WRITER = 'chaos';

/** What a member's configuration file is made from. */
export interface ConfigInput {
  readonly cluster: string;
  readonly name: string;
  readonly dir: string;
  readonly dataDir: string;
  readonly socketDir: string;
  readonly etcdEndpoints: readonly string[];
  /** This member's address, and all addresses of the lab as `address/bits`. */
  readonly host: string;
  readonly range: string;
  readonly apiPort: number;
  readonly port: number;
  readonly binDir: string;
  /** A program that puts the file %p into an archive under the name %f. */
  readonly archiveCommand: string | undefined;
  readonly osUser: string | undefined;
  readonly superuser: { readonly user: string; readonly password: string };
  readonly replicationPassword: string;
  /** The same for all members: what they promise each other is believed by it. */
  readonly peersSecret: string;
  readonly tags: Readonly<Record<string, unknown>>;
  readonly settings: Readonly<Record<string, unknown>>;
}

/** The local configuration of one member, as /etc/haagent/haagent.yml would hold it, by section. */
export const agentConfig = (input: ConfigInput): Record<string, Readonly<Record<string, unknown>>> => ({
  cluster: { name: input.cluster },
  member: { name: input.name, state_dir: `${input.dir}/state`, run_dir: `${input.dir}/run` },
  etcd: { endpoints: input.etcdEndpoints },
  api: {
    listen: `${input.host}:${input.apiPort}`,
    advertise: `${input.host}:${input.apiPort}`,
    peers_secret: input.peersSecret,
  },
  postgresql: {
    data_dir: input.dataDir,
    bin_dir: input.binDir,
    listen: input.host,
    port: input.port,
    socket_dir: input.socketDir,
    // The writers reconnect often: proving a password each time would cost more than the writes.
    access_rules: [`host postgres ${WRITER} ${input.range} trust`, `host all all ${input.range} scram-sha-256`],
    ...(input.archiveCommand === undefined ? {} : { archive: { command: [input.archiveCommand, '%p', '%f'] } }),
    ...(input.osUser === undefined ? {} : { os_user: input.osUser }),
    authentication: {
      superuser: { username: input.superuser.user, password: input.superuser.password },
      replication: { username: 'replicator', password: input.replicationPassword },
    },
  },
  tags: input.tags,
  bootstrap: { settings: input.settings },
});
