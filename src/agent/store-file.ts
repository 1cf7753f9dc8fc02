import { readFile, rename, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { z } from 'zod';
import { revision } from '../core/brand.ts';
import type { StoreSeen } from '../core/store-identity.ts';

/** What this member last saw of etcd, over restarts of its agent: an etcd that came back empty or older is noticed by it. */
export interface StoreFile {
  read(): Promise<StoreSeen | undefined>;
  write(seen: StoreSeen): Promise<void>;
}

const schema = z.strictObject({
  v: z.literal(1),
  cluster_id: z.string().min(1).max(40),
  revision: z.string().regex(/^[0-9]{1,19}$/),
});

const fileIn = (stateDir: string): string => join(stateDir, 'store.json');

export const createStoreFile = (stateDir: string): StoreFile => ({
  read: async () => {
    const text = await readFile(fileIn(stateDir), 'utf8').catch((error: NodeJS.ErrnoException) => {
      if (error.code === 'ENOENT') return undefined;
      throw error;
    });
    if (text === undefined) return undefined;
    // A file that a crash cut short says nothing; the next write makes it whole.
    try {
      const found = schema.parse(JSON.parse(text));
      return { clusterId: found.cluster_id, revision: revision(BigInt(found.revision)) };
    } catch {
      return undefined;
    }
  },
  write: async (seen) => {
    const text = JSON.stringify({ v: 1, cluster_id: seen.clusterId, revision: String(seen.revision) });
    await writeFile(`${fileIn(stateDir)}.new`, `${text}\n`, { mode: 0o600 });
    await rename(`${fileIn(stateDir)}.new`, fileIn(stateDir));
  },
});

/** Forgets what was seen: the next start takes etcd as it is then. */
export const forgetStore = async (stateDir: string): Promise<void> => rm(fileIn(stateDir), { force: true });
