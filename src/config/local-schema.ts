import { z } from 'zod';
import { ms } from '../core/brand.ts';
import {
  absolutePath,
  address,
  argv,
  clusterName,
  duration,
  endpoint,
  memberName,
  network,
  parameterValue,
  secretText,
} from './fields.ts';
import { compileSettings } from './settings.ts';
import { mariadbSchema, mysqlSchema } from './mysql-schema.ts';
import { postgresqlSchema } from './postgresql-schema.ts';

/**
 * The local configuration file, section by section. Defaults that depend on the host or on another setting are made in
 * `compile.ts`; `shown` tells them to the reference page.
 */

const cluster = z.strictObject({
  name: clusterName.meta({ description: 'Name of the cluster, the same on all members.' }),
  prefix: z
    .string()
    .regex(/^(\/[A-Za-z0-9_.-]+)+$/, 'a path such as /haagent, without a slash at its end')
    .default('/haagent')
    .meta({ description: "Where in etcd the clusters' keys lie." }),
});

const member = z.strictObject({
  name: memberName.optional().meta({
    shown: "the host's name up to its first dot",
    description: "Name of this member, unlike every other member's.",
  }),
  state_dir: absolutePath
    .default('/var/lib/haagent')
    .meta({ description: 'What must survive a restart: identity of the data, password file, kept log tails.' }),
  run_dir: absolutePath
    .default('/run/haagent')
    .meta({ description: "What must not survive a boot: sockets, the guard's deadline." }),
});

const etcd = z.strictObject({
  endpoints: z
    .array(endpoint)
    .min(1)
    .max(20)
    .meta({ kind: 'list of addresses', description: 'The etcd servers: http:// or https:// with host and port.' }),
  tls: z
    .strictObject({
      ca_file: absolutePath.optional().meta({
        shown: "the system's authorities",
        description: "Certificates (PEM) that sign the servers' certificates.",
      }),
      cert_file: absolutePath.optional().meta({ description: 'Client certificate (PEM).' }),
      key_file: absolutePath.optional().meta({ description: 'Its private key (PEM).' }),
    })
    .optional()
    .meta({ description: 'For https endpoints.' }),
  username: z.string().min(1).max(255).optional().meta({ description: 'User, where etcd asks for one.' }),
  password: secretText.optional().meta({ description: 'Its password.' }),
  password_file: absolutePath.optional().meta({ description: 'File with the password.' }),
});

const api = z.strictObject({
  listen: address.default({ host: '0.0.0.0', port: 8010 }).meta({
    shown: '0.0.0.0:8010',
    description: 'Address and port of the REST API.',
  }),
  advertise: z.string().min(1).max(255).optional().meta({
    shown: "http (or https) with the database's advertise and the port of listen",
    description: 'How other members and clients reach the API: an address, or host and port.',
  }),
  tls: z
    .strictObject({
      cert_file: absolutePath.meta({ description: 'Server certificate (PEM), chain included.' }),
      key_file: absolutePath.meta({ description: 'Its private key (PEM).' }),
      ca_file: absolutePath.optional().meta({ description: 'Authorities that sign client certificates (PEM).' }),
      verify_client: z.enum(['none', 'optional', 'required']).default('none').meta({
        description: 'Who needs a client certificate: nobody, whoever changes something, everybody.',
      }),
    })
    .optional()
    .meta({ description: 'Serve https instead of http.' }),
  control: z
    .strictObject({
      username: z.string().min(1).max(255).meta({ description: 'User name for requests that change something.' }),
      password: secretText.optional().meta({ description: 'Its password.' }),
      password_file: absolutePath.optional().meta({ description: 'File with the password.' }),
    })
    .optional()
    .meta({ description: 'Without it the API changes nothing.' }),
  allow_from: z
    .array(network)
    .max(1_000)
    .default([])
    .meta({ kind: 'list of addresses', description: 'Addresses and networks that may change something; empty: all.' }),
  peers_secret: secretText.optional().meta({
    description: 'Shared by all members: lets them prove to each other who answers.',
  }),
  peers_secret_file: absolutePath.optional().meta({ description: 'File with it.' }),
});

const guard = z.strictObject({
  supervised: z.enum(['agent', 'init']).default('agent').meta({
    description: 'Who starts the guard and restarts it: the agent, or the init system.',
  }),
  cgroup: z.enum(['auto', 'off']).default('auto').meta({
    description: 'Kill the database by its control group where cgroup v2 is writable.',
  }),
  cut_port: z.enum(['auto', 'off']).default('auto').meta({
    description:
      'Keep clients away from the port of a database that cannot be killed, with nft and ss (CAP_NET_ADMIN), until it is gone.',
  }),
});

const watchdog = z.strictObject({
  mode: z.enum(['off', 'automatic', 'required']).default('off').meta({
    description: 'A hardware watchdog behind the guard: none, where there is one, or no leadership without it.',
  }),
  device: absolutePath.default('/dev/watchdog').meta({ description: 'Its device.' }),
});

const hook = (description: string) =>
  argv.optional().meta({ kind: 'list: program and arguments', description: `${description} Never run by a shell.` });

const hooks = z.strictObject({
  pre_promote: hook('Asked before a promotion; any exit code but 0 refuses it.'),
  on_start: hook('After the database was started.'),
  on_stop: hook('After the database was stopped.'),
  on_role_change: hook("After the database's role changed."),
  timeout: duration('100ms', '10min').default(ms(30_000)).meta({
    shown: '30s',
    description: 'How long a hook may run before it is killed.',
  }),
});

const tags = z.strictObject({
  nofailover: z.boolean().default(false).meta({ description: 'Never becomes leader.' }),
  failover_priority: z.int().min(0).max(1_000).default(1).meta({
    description: 'The higher one leads among equally good members; 0: never.',
  }),
  noloadbalance: z.boolean().default(false).meta({ description: '/replica answers 503.' }),
  clonefrom: z.boolean().default(false).meta({ description: 'Other members copy their data from here.' }),
  replicatefrom: memberName.optional().meta({
    shown: 'the leader',
    description: 'Replicate from this member instead (cascading).',
  }),
  nosync: z.boolean().default(false).meta({ description: 'Never a voter.' }),
  sync_priority: z.int().min(0).max(1_000).default(1).meta({ description: 'The higher one becomes a voter first.' }),
  custom: z
    .record(z.string().regex(/^[A-Za-z][A-Za-z0-9_-]{0,62}$/, "a tag's name"), parameterValue)
    .default({})
    .meta({ kind: 'names and values', shown: '{}', description: 'Free tags: /replica?tag_x=y.' }),
});

const bootstrap = z.strictObject({
  settings: z
    .record(z.string(), z.unknown())
    .superRefine((document, context) => {
      const compiled = compileSettings(document);
      if (compiled.kind === 'ok') return;
      for (const { at, found, wanted } of compiled.faults)
        context.addIssue({ code: 'custom', path: [...at], message: wanted, params: { found } });
    })
    .default({})
    .meta({
      kind: 'dynamic configuration',
      shown: '{}',
      description: 'The dynamic configuration that a new cluster begins with; without effect later.',
    }),
});

const telemetry = z.strictObject({
  log_level: z.enum(['debug', 'info', 'warn', 'error']).default('info').meta({ description: 'Least level logged.' }),
  log_file: absolutePath.optional().meta({
    shown: 'standard output',
    description: 'Where the log (JSON lines) goes.',
  }),
});

export const localSchema = z.strictObject({
  cluster: cluster.meta({ description: 'Which cluster this member belongs to.' }),
  member: member.prefault({}).meta({ description: 'This member.' }),
  etcd: etcd.meta({ description: 'The consensus store.' }),
  api: api.prefault({}).meta({ description: 'The REST API.' }),
  postgresql: postgresqlSchema.optional().meta({ description: 'The database, where it is PostgreSQL.' }),
  mysql: mysqlSchema.optional().meta({ description: 'The database, where it is MySQL.' }),
  mariadb: mariadbSchema.optional().meta({ description: 'The database, where it is MariaDB.' }),
  guard: guard.prefault({}).meta({ description: 'The small process that fences whatever happens to the agent.' }),
  watchdog: watchdog.prefault({}).meta({ description: 'The last resort behind the guard.' }),
  hooks: hooks.prefault({}).meta({ description: 'Programs of yours.' }),
  tags: tags.prefault({}).meta({ description: 'What this member is for.' }),
  bootstrap: bootstrap.prefault({}).meta({ description: 'The beginning of a new cluster.' }),
  telemetry: telemetry.prefault({}).meta({ description: 'Log.' }),
});

export type WrittenLocal = z.output<typeof localSchema>;

/** What other tools call these settings. */
export const OTHER_LOCAL_NAMES: ReadonlyMap<string, string> = new Map([
  ['scope', 'cluster.name'],
  ['namespace', 'cluster.prefix'],
  ['name', 'member.name'],
  ['restapi', 'api'],
  ['etcd3', 'etcd'],
  ['etcd.hosts', 'etcd.endpoints'],
  ['etcd.host', 'etcd.endpoints'],
  ['etcd.cacert', 'etcd.tls.ca_file'],
  ['etcd.cert', 'etcd.tls.cert_file'],
  ['etcd.key', 'etcd.tls.key_file'],
  ['log', 'telemetry'],
  ['bootstrap.dcs', 'bootstrap.settings'],
  ['bootstrap.initdb', 'postgresql.initdb'],
  ['api.connect_address', 'api.advertise'],
  ['api.authentication', 'api.control'],
  ['api.allowlist', 'api.allow_from'],
  ['api.certfile', 'api.tls.cert_file'],
  ['api.keyfile', 'api.tls.key_file'],
  ['api.cafile', 'api.tls.ca_file'],
  ['postgresql.connect_address', 'postgresql.advertise'],
  ['postgresql.pg_hba', 'postgresql.access_rules'],
  ['postgresql.callbacks', 'hooks'],
  ['postgresql.create_replica_methods', 'postgresql.clone_methods'],
  ['postgresql.custom_conf', 'postgresql.config_file'],
]);
