import { z } from 'zod';
import { absolutePath, argv, hostName, parameterValue, port, secretText, size } from './fields.ts';

/** The database sections for MySQL and MariaDB: the same settings, but for where the programs are. */

const account = (name: string, description: string, password: string) =>
  z
    .strictObject({
      username: z
        .string()
        .regex(/^[A-Za-z0-9_.-]{1,32}$/, 'a name of letters, digits, _ . and -')
        .default(name)
        .meta({ description: 'Name of the account.' }),
      password: secretText.optional().meta({ shown: password, description: 'Its password.' }),
      password_file: absolutePath.optional().meta({ description: 'File with the password.' }),
    })
    .prefault({})
    .meta({ description });

const authentication = z.strictObject({
  superuser: account('root', 'Owner of the installation, from this host only.', 'none: it must be set'),
  replication: account('replicator', 'Streams the log, and asks how far it goes.', 'none: it must be set'),
  agent: account('haagent', 'What the agent observes and steers with, over the socket only.', 'that of replication'),
});

const section = (product: string, server: string, copies: string) =>
  z.strictObject({
    data_dir: absolutePath.meta({ description: 'Data directory; created where it is empty or missing.' }),
    bin_dir: absolutePath.optional().meta({
      shown: '/usr/sbin, /usr/bin, /usr/libexec and /usr/local/mysql/bin, where they are there',
      description: `Where ${server} and its tools are.`,
    }),
    listen: z
      .string()
      .regex(/^[A-Za-z0-9_.:*,-]{1,255}$/, 'an address as in bind_address, such as 10.0.0.1 or 0.0.0.0')
      .default('0.0.0.0')
      .meta({ description: 'What the server listens on (bind_address).' }),
    port: port.default(3306).meta({ description: 'Its port.' }),
    advertise: hostName.optional().meta({
      shown: "listen where it is one address, else the host's name",
      description: 'How members and clients reach the server: host name or address.',
    }),
    socket_dir: absolutePath.default('/run/mysqld').meta({ description: 'Directory of the Unix socket mysqld.sock.' }),
    os_user: z
      .string()
      .regex(/^([a-z_][a-z0-9_-]{0,31}|\d{1,9}:\d{1,9})$/, 'the name of a user of this host, or uid:gid')
      .optional()
      .meta({ shown: 'mysql where the agent runs as root', description: 'The database runs as this user.' }),
    authentication: authentication.prefault({}).meta({ description: 'The three accounts that the agent uses.' }),
    parameters: z.record(z.string(), parameterValue).default({}).meta({
      kind: 'names and values',
      shown: '{}',
      description: "System variables of this member; the cluster's go over them.",
    }),
    config_file: absolutePath.optional().meta({
      shown: 'none: the files below /etc are not read',
      description: "Your own option file, read before everything of the agent's.",
    }),
    tls: z
      .strictObject({
        mode: z
          .enum(['disable', 'prefer', 'require', 'verify-ca', 'verify-full'])
          .meta({ description: 'How members connect to each other.' }),
        root_certificate_file: absolutePath.optional().meta({ description: 'Authorities that are trusted (PEM).' }),
      })
      .optional()
      .meta({ description: 'Connections between members.' }),
    clone_methods: z
      .array(
        z.strictObject({
          name: z
            .string()
            .regex(/^[a-z][a-z0-9_-]{0,30}$/, 'a short name')
            .meta({ description: 'Name, for the log.' }),
          command: argv.meta({ description: 'Program and arguments; must leave a data directory.' }),
        }),
      )
      .max(10)
      .default([])
      .meta({ kind: 'list of methods', description: `Tried in this order; ${copies} is always the last.` }),
    bootstrap: z
      .strictObject({
        command: argv.meta({ kind: 'list: program and arguments', description: 'Makes the first data.' }),
      })
      .optional()
      .meta({ description: `Instead of ${product}'s installer: a restore from a backup, for instance.` }),
    lost_tail_limit: size('1TB')
      .default(1024 ** 3)
      .meta({ shown: '1GB', description: 'How much of a dropped log tail is kept before a new copy.' }),
  });

export const mysqlSchema = section('MySQL', 'mysqld', 'the CLONE plugin');
export const mariadbSchema = section('MariaDB', 'mariadbd', 'mariadb-backup');

export type WrittenMysql = z.output<typeof mysqlSchema>;
