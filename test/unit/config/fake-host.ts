import { stringify } from 'yaml';
import type { Host } from '../../../src/config/host.ts';

export interface FakeFile {
  readonly text: string;
  readonly mode?: number;
}

/** A host that is only its files. */
export const fakeHost = (
  files: Readonly<Record<string, string | FakeFile>>,
  other: { readonly uid?: number; readonly name?: string } = {},
): Host => {
  const paths = Object.keys(files);
  return {
    uid: other.uid ?? 1000,
    name: other.name ?? 'db-1.example.com',
    read: (path) => {
      const file = files[path];
      if (file === undefined) return { kind: 'unreadable', why: 'no such file' };
      return typeof file === 'string'
        ? { kind: 'read', text: file, mode: 0o600, uid: 0 }
        : { kind: 'read', text: file.text, mode: file.mode ?? 0o600, uid: 0 };
    },
    list: (directory) => [
      ...new Set(
        paths
          .filter((path) => path.startsWith(`${directory}/`))
          .map((path) => path.slice(directory.length + 1).split('/')[0]!),
      ),
    ],
    kindOf: (path) => {
      if (path in files) return 'file';
      return paths.some((each) => each.startsWith(`${path}/`)) ? 'directory' : 'missing';
    },
  };
};

export const PASSWD = 'root:x:0:0::/root:/bin/sh\npostgres:x:103:104::/var/lib/postgresql:/bin/bash\n';
export const PG15 = '/usr/lib/postgresql/15/bin/postgres';

export const FILE = '/etc/haagent/haagent.yml';
/** What nobody can leave out. */
export const LEAST = {
  cluster: { name: 'demo' },
  etcd: { endpoints: ['http://10.0.0.9:2379'] },
  postgresql: {
    data_dir: '/data/pg',
    authentication: { superuser: { password: 'one' }, replication: { password: 'two' } },
  },
};

/** A host with this configuration file, PostgreSQL 15 and a user for it. */
export const hostWith = (
  document: unknown,
  files: Readonly<Record<string, string | FakeFile>> = {},
  other?: Parameters<typeof fakeHost>[1],
): Host =>
  fakeHost(
    {
      [FILE]: typeof document === 'string' ? document : stringify(document),
      '/etc/passwd': PASSWD,
      [PG15]: '',
      ...files,
    },
    other,
  );
