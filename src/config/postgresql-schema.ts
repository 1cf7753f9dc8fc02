import { z } from 'zod';
import { absolutePath, argv, hostName, parameterValue, port, secretText, shellCommand, size } from './fields.ts';
import { accessRuleFault, localParameterFault } from './parameters.ts';

const account = (name: string, description: string, password: string) =>
  z
    .strictObject({
      username: z.string().min(1).max(63).default(name).meta({ description: 'Name of the role.' }),
      password: secretText.optional().meta({ shown: password, description: 'Its password.' }),
      password_file: absolutePath.optional().meta({ description: 'File with the password.' }),
    })
    .prefault({})
    .meta({ description });

const authentication = z.strictObject({
  superuser: account('postgres', 'Owner of the installation: creates the others.', 'none: it must be set'),
  replication: account('replicator', 'Streams the log and copies data.', 'none: it must be set'),
  rewind: account('haagent_rewind', 'Reads files of the source during a rewind.', 'that of replication'),
  agent: account('haagent', 'What the agent observes and steers with, over the socket only.', 'that of replication'),
});

const initdb = z.strictObject({
  data_checksums: z.boolean().default(true).meta({ description: 'Checksums on data pages.' }),
  encoding: z.string().min(1).max(40).default('UTF8').meta({ description: 'Encoding of new data.' }),
  locale: z.string().min(1).max(80).default('C.UTF-8').meta({ description: 'Locale of new data.' }),
});

const cloneMethod = z.strictObject({
  name: z
    .string()
    .regex(/^[a-z][a-z0-9_-]{0,30}$/, 'a short name')
    .meta({ description: 'Name, for the log.' }),
  command: argv.meta({ description: 'Program and arguments; must leave a data directory.' }),
  keep_data: z.boolean().default(false).meta({ description: 'Works inside the old data directory (delta restore).' }),
});

/** The database section for PostgreSQL. */
export const postgresqlSchema = z.strictObject({
  data_dir: absolutePath.meta({ description: 'Data directory; created where it is empty or missing.' }),
  bin_dir: absolutePath.optional().meta({
    shown: 'found below /usr/lib/postgresql and /usr/pgsql-*',
    description: 'Where postgres, initdb and pg_basebackup are.',
  }),
  listen: z
    .string()
    .regex(/^[A-Za-z0-9_.:*, -]{1,255}$/, 'addresses as in listen_addresses, such as 10.0.0.1 or *')
    .default('*')
    .meta({ description: 'What the server listens on (listen_addresses).' }),
  port: port.default(5432).meta({ description: 'Its port.' }),
  advertise: hostName.optional().meta({
    shown: "listen where it is one address, else the host's name",
    description: 'How members and clients reach the server: host name or address.',
  }),
  socket_dir: absolutePath.optional().meta({
    shown: '/var/run/postgresql where it exists, else /tmp',
    description: 'Directory of the Unix socket.',
  }),
  os_user: z
    .string()
    .regex(/^([a-z_][a-z0-9_-]{0,31}|\d{1,9}:\d{1,9})$/, 'the name of a user of this host, or uid:gid')
    .optional()
    .meta({ shown: 'postgres where the agent runs as root', description: 'The database runs as this user.' }),
  authentication: authentication.prefault({}).meta({ description: 'The four accounts that the agent uses.' }),
  parameters: z
    .record(z.string(), parameterValue)
    .superRefine((values, context) => {
      for (const [name, value] of Object.entries(values)) {
        const fault = localParameterFault(name, value);
        if (fault !== undefined) context.addIssue({ code: 'custom', path: [name], message: fault });
      }
    })
    .default({})
    .meta({
      kind: 'names and values',
      shown: '{}',
      description: "Database parameters of this member; the cluster's go over them.",
    }),
  access_rules: z
    .array(
      z.string().superRefine((line, context) => {
        const fault = accessRuleFault(line);
        if (fault !== undefined) context.addIssue({ code: 'custom', message: fault });
      }),
    )
    .default([])
    .meta({ kind: 'list of lines', description: "Lines of pg_hba.conf while the cluster's configuration has none." }),
  config_file: absolutePath.optional().meta({
    shown: 'postgresql.conf of the data directory',
    description: "Your own configuration file, read before everything of the agent's.",
  }),
  initdb: initdb.prefault({}).meta({ description: 'How new data is made.' }),
  ssl: z
    .strictObject({
      mode: z
        .enum(['disable', 'allow', 'prefer', 'require', 'verify-ca', 'verify-full'])
        .meta({ description: 'sslmode of connections between members.' }),
      root_certificate_file: absolutePath.optional().meta({ description: 'Authorities that are trusted (PEM).' }),
    })
    .optional()
    .meta({ description: 'Connections between members.' }),
  restore_command: shellCommand
    .optional()
    .meta({ kind: 'text, or list: program and arguments', description: 'Fetches a file from the archive (%f, %p).' }),
  archive: z
    .strictObject({
      command: shellCommand.meta({
        kind: 'text, or list: program and arguments',
        description: 'Puts a file into the archive (%f, %p).',
      }),
      mode: z.enum(['on', 'always']).default('on').meta({ description: 'archive_mode.' }),
    })
    .optional()
    .meta({ description: 'Archiving of the log.' }),
  clone_methods: z
    .array(cloneMethod)
    .max(10)
    .default([])
    .meta({ kind: 'list of methods', description: 'Tried in this order; pg_basebackup is always the last.' }),
  bootstrap: z
    .strictObject({ command: argv.meta({ kind: 'list: program and arguments', description: 'Makes the first data.' }) })
    .optional()
    .meta({ description: 'Instead of initdb: a restore from a backup, for instance.' }),
  lost_tail_limit: size('1TB')
    .default(1024 ** 3)
    .meta({
      shown: '1GB',
      description: 'How much of a dropped log tail is kept after a rewind.',
    }),
});

export type WrittenPostgresql = z.output<typeof postgresqlSchema>;
