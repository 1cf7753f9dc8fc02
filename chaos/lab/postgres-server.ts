import { findAccount, findPostgresBin } from './host.ts';
import { WRITER, type LabServer } from './server.ts';
import { queryOnce } from './sql.ts';

/** The section of a member's configuration, for programs in a directory. */
export const postgresSection =
  (binDir: string): LabServer['section'] =>
  (input) => [
    'postgresql',
    {
      data_dir: input.dataDir,
      bin_dir: binDir,
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
  ];

/** PostgreSQL, as labs handle it. Throws where it is not installed. */
export const postgresServer = (): LabServer => {
  const binDir = findPostgresBin();
  return {
    engine: 'postgres',
    product: 'PostgreSQL',
    prefix: 'pg',
    superuser: 'postgres',
    account: findAccount('postgres'),
    section: postgresSection(binDir),
    query: ({ host, port }, password, sql) => queryOnce({ host, port, user: 'postgres', password }, sql),
    prepareWriter: async (ask) => {
      const [found] = await ask(`SELECT FROM pg_roles WHERE rolname = '${WRITER}'`);
      if (found !== undefined) return;
      await ask(`CREATE ROLE ${WRITER} LOGIN; GRANT CREATE ON SCHEMA public TO ${WRITER}`);
    },
  };
};
