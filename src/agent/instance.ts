import { randomBytes } from 'node:crypto';
import { mkdir, open, readFile, rename } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { parseInstanceId, type InstanceId } from '../core/brand.ts';
import { AgentError } from '../core/errors.ts';

/** The data-instance id (rule D12), kept outside the copied files: a clone must not carry its donor's. */
export interface InstanceFile {
  read(): Promise<InstanceId>;
  /** Before the data is replaced or rewound: what was promised for the old data binds the new one to nothing. */
  renew(): Promise<InstanceId>;
}

const fresh = (): InstanceId => {
  const id = parseInstanceId(randomBytes(6).toString('hex'));
  if (id === undefined) throw new Error('unreachable: hex digits are an instance id');
  return id;
};

export const createInstanceFile = (stateDir: string): InstanceFile => {
  const file = join(stateDir, 'instance');

  const write = async (id: InstanceId): Promise<InstanceId> => {
    await mkdir(dirname(file), { recursive: true, mode: 0o700 });
    const handle = await open(`${file}.new`, 'w', 0o600);
    try {
      await handle.writeFile(`${id}\n`);
      await handle.sync();
    } finally {
      await handle.close();
    }
    await rename(`${file}.new`, file);
    return id;
  };

  return {
    read: async () => {
      const text = await readFile(file, 'utf8').catch((error: NodeJS.ErrnoException) => {
        if (error.code === 'ENOENT') return undefined;
        throw error;
      });
      if (text === undefined) return write(fresh());
      const id = parseInstanceId(text.trim());
      if (id !== undefined) return id;
      throw new AgentError('config-invalid', `${file} does not hold an instance id`, {
        hint: 'remove the file if the data directory is to count as new; it then is no voter and no known leader',
      });
    },
    renew: async () => write(fresh()),
  };
};
