import { open, readFile, rename } from 'node:fs/promises';
import { join } from 'node:path';
import { z } from 'zod';
import { ms, revision, termOf, type Ms, type Term } from '../core/brand.ts';
import { AgentError } from '../core/errors.ts';
import { LONGEST_TTL } from '../core/timing.ts';

/** The last promise not to lead, kept over a restart of the agent (rule D15): nobody else remembers it for this member. */
export interface PromiseFile {
  read(): Promise<KeptPromise | undefined>;
  /** Ends when it is on disk. */
  keep(promise: KeptPromise): Promise<void>;
}

export interface KeptPromise {
  readonly term: Term;
  readonly ttl: Ms;
}

const schema = z.strictObject({
  v: z.literal(1),
  term: z.string().regex(/^[1-9][0-9]{0,18}$/),
  ttl_ms: z.int().min(1).max(LONGEST_TTL),
});

const parse = (text: string): KeptPromise | undefined => {
  try {
    const found = schema.safeParse(JSON.parse(text));
    return found.success ? { term: termOf(revision(BigInt(found.data.term))), ttl: ms(found.data.ttl_ms) } : undefined;
  } catch {
    return undefined;
  }
};

export const createPromiseFile = (stateDir: string): PromiseFile => {
  const file = join(stateDir, 'promise.json');
  let writing: Promise<void> = Promise.resolve();

  const write = async ({ term, ttl }: KeptPromise): Promise<void> => {
    const handle = await open(`${file}.new`, 'w', 0o600);
    try {
      await handle.writeFile(`${JSON.stringify({ v: 1, term: String(term), ttl_ms: ttl })}\n`);
      await handle.sync();
    } finally {
      await handle.close();
    }
    await rename(`${file}.new`, file);
  };

  return {
    read: async () => {
      const text = await readFile(file, 'utf8').catch((error: NodeJS.ErrnoException) => {
        if (error.code === 'ENOENT') return undefined;
        throw error;
      });
      if (text === undefined) return undefined;
      const found = parse(text);
      if (found !== undefined) return found;
      throw new AgentError('config-invalid', `${file} does not hold a promise that can be read`, {
        hint: 'wait a minute (no promise lasts longer), then remove the file and start the agent again',
      });
    },
    // One after another: two at once would write into the same new file.
    keep: (promise) => {
      const kept = writing.then(async () => write(promise));
      writing = kept.catch(() => undefined);
      return kept;
    },
  };
};
