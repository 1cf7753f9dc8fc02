import type { LabServer } from './server.ts';

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
  /** The member's host is this machine itself: its packet filter is left alone. */
  readonly shared: boolean;
  readonly apiPort: number;
  readonly port: number;
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
export const agentConfig = (
  section: LabServer['section'],
  input: ConfigInput,
): Record<string, Readonly<Record<string, unknown>>> => ({
  cluster: { name: input.cluster },
  member: { name: input.name, state_dir: `${input.dir}/state`, run_dir: `${input.dir}/run` },
  etcd: { endpoints: input.etcdEndpoints },
  api: {
    listen: `${input.host}:${input.apiPort}`,
    advertise: `${input.host}:${input.apiPort}`,
    peers_secret: input.peersSecret,
  },
  ...Object.fromEntries([section(input)]),
  ...(input.shared ? { guard: { cut_port: 'off' } } : {}),
  tags: input.tags,
  bootstrap: { settings: input.settings },
});
