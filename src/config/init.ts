import { basename, join } from 'node:path';
import { createHost, type Host } from './host.ts';
import { localSchema } from './local-schema.ts';
import { descriptionOf, settingsOf, yamlText, type Setting } from './reference.ts';
import { childrenOf, type AnySchema } from './schema-walk.ts';

/** What is known already; everything else becomes a commented line with its default. */
export interface InitAnswers {
  readonly engine?: 'postgresql' | 'mysql' | 'mariadb';
  readonly cluster?: string;
  readonly member?: string;
  readonly etcdEndpoints?: readonly string[];
  /** Of a database that is there already, or where one is to be made. */
  readonly dataDir?: string;
  readonly port?: number;
  readonly advertise?: string;
  readonly apiPort?: number;
  readonly osUser?: string;
}

export interface InitResult {
  /** The file, with a comment at every setting. */
  readonly text: string;
  /** What was found, and what is left to do. */
  readonly notes: readonly string[];
}

/** Makes a commented configuration from the answers and, where a data directory is given, from what it tells. */
export const initConfig = (answers: InitAnswers, host: Host = createHost()): InitResult => {
  const engine = answers.engine ?? 'postgresql';
  const found = answers.dataDir === undefined || engine !== 'postgresql' ? undefined : lookAt(answers.dataDir, host);
  const port = answers.port ?? found?.port;
  const values = new Map<string, unknown>(
    Object.entries({
      'cluster.name': answers.cluster ?? 'demo',
      'member.name': answers.member,
      'etcd.endpoints': answers.etcdEndpoints ?? ['http://127.0.0.1:2379'],
      'api.listen': answers.apiPort === undefined ? undefined : `0.0.0.0:${answers.apiPort}`,
      [`${engine}.data_dir`]: answers.dataDir ?? '/var/lib/haagent/data',
      [`${engine}.config_file`]: found?.configFile,
      [`${engine}.listen`]: found?.listen,
      [`${engine}.port`]: port,
      [`${engine}.socket_dir`]: found?.socketDir,
      [`${engine}.advertise`]: answers.advertise,
      [`${engine}.os_user`]: answers.osUser,
      [`${engine}.authentication.superuser.password_file`]: PASSWORDS.superuser,
      [`${engine}.authentication.replication.password_file`]: PASSWORDS.replication,
    }).filter(([, value]) => value !== undefined),
  );
  const sections = Object.entries(childrenOf(localSchema, []) ?? {}).filter(
    ([name]) => !ENGINES.has(name) || name === engine,
  );
  return {
    text: [HEAD, ...sections.map((each) => section(...each, values))].join('\n'),
    notes: [
      ...(found?.notes ?? []),
      ...Object.values(PASSWORDS)
        .filter((path) => host.kindOf(path) === 'missing')
        .map((path) => `write the password into ${path} (chmod 600); it is the same on all members`),
    ],
  };
};

/** Sections of which a file has exactly one. */
const ENGINES: ReadonlySet<string> = new Set(['postgresql', 'mysql', 'mariadb']);

const PASSWORDS = {
  superuser: '/etc/haagent/superuser.password',
  replication: '/etc/haagent/replication.password',
};

const HEAD = `# Local configuration of one member. Check it with: haagent config check FILE
# Every setting can also come from the environment: etcd.username is HAAGENT_ETCD_USERNAME.
# Lines that begin with # show the defaults. Reference: docs/reference/configuration.md
`;

/** A section of the file. Nothing of it is set: the whole of it is a comment. */
const section = (name: string, schema: AnySchema, values: ReadonlyMap<string, unknown>): string => {
  const settings = settingsOf(schema).map((each) => ({ ...each, path: [name, ...each.path] }));
  const set = (path: readonly string[]): boolean =>
    [...values.keys()].some((key) => `${key}.`.startsWith(`${path.join('.')}.`));
  const lines: string[] = [`# ${descriptionOf(schema)}`, `${set([name]) ? '' : '# '}${name}:`];
  let open: readonly string[] = [name];
  for (const each of settings) {
    for (let depth = 1; depth < each.path.length - 1; depth += 1) {
      const path = each.path.slice(0, depth + 1);
      if (path.every((part, index) => open[index] === part)) continue;
      lines.push(`${indent(depth)}${set(path) ? '' : '# '}${path.at(-1)}:`);
    }
    open = each.path.slice(0, -1);
    lines.push(...setting(each, values));
  }
  return `${lines.join('\n')}\n`;
};

const indent = (depth: number): string => '  '.repeat(depth);

const setting = (each: Setting, values: ReadonlyMap<string, unknown>): readonly string[] => {
  const space = indent(each.path.length - 1);
  const name = each.path.at(-1) ?? '';
  const value = values.get(each.path.join('.'));
  const otherwise = each.otherwise.kind === 'words' ? ` Default: ${each.otherwise.text}.` : '';
  const comment = `${space}# ${each.description} (${each.kind.replaceAll('`', '')})${otherwise}`;
  if (value !== undefined) {
    return [comment, `${space}${name}: ${yamlText(value)}`];
  }
  return [comment, `${space}# ${name}:${each.otherwise.kind === 'value' ? ` ${each.otherwise.text}` : ''}`];
};

interface Found {
  readonly port: number | undefined;
  readonly listen: string | undefined;
  readonly socketDir: string | undefined;
  /** Where the server's configuration lies outside its data, as on Debian. */
  readonly configFile: string | undefined;
  readonly notes: readonly string[];
}

/** What a data directory tells of its server: while it runs, postmaster.pid; else its configuration files. */
const lookAt = (dataDir: string, host: Host): Found => {
  const read = (path: string): string | undefined => {
    const file = host.read(path);
    return file.kind === 'read' ? file.text : undefined;
  };
  const version = read(join(dataDir, 'PG_VERSION'))?.trim();
  if (version === undefined) return { ...NOTHING, notes: [`${dataDir} holds no PostgreSQL yet`] };
  const outside = join('/etc/postgresql', version, basename(dataDir), 'postgresql.conf');
  const debian = dataDir === join('/var/lib/postgresql', version, basename(dataDir)) ? read(outside) : undefined;
  const conf = [debian ?? read(join(dataDir, 'postgresql.conf')), read(join(dataDir, 'postgresql.auto.conf'))].join(
    '\n',
  );
  const running = read(join(dataDir, 'postmaster.pid'))?.split('\n');
  const port = Number(running?.[3] ?? lastOf(conf, 'port') ?? 5432);
  const socketDir = (running?.[4] ?? lastOf(conf, 'unix_socket_directories'))?.split(',')[0]?.trim();
  const stop = ', which is running: stop it, and take it out of the init system, before the agent starts';
  return {
    port: Number.isInteger(port) && port > 0 ? port : undefined,
    listen: lastOf(conf, 'listen_addresses'),
    socketDir: socketDir?.startsWith('/') === true ? socketDir : undefined,
    configFile: debian === undefined ? undefined : outside,
    notes: [`${dataDir} holds PostgreSQL ${version}${running === undefined ? '' : stop}`],
  };
};

const NOTHING = { port: undefined, listen: undefined, socketDir: undefined, configFile: undefined };

/** The value of a parameter in a server's configuration file; the last line counts. */
const lastOf = (conf: string, name: string): string | undefined =>
  conf
    .split('\n')
    .map((line) => new RegExp(`^\\s*${name}\\s*=?\\s*(?:'((?:[^']|'')*)'|([^\\s#']+))`, 'i').exec(line))
    .filter((match) => match !== null)
    .map((match) => match[1] ?? match[2])
    .at(-1);
