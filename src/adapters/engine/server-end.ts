import { open } from 'node:fs/promises';
import type { ProcessId, Processes } from '../../ports/processes.ts';
import type { Budget } from './budget.ts';
import { ifMissing } from './files.ts';

const MOST = 65_536;

/** At most the last 64 KiB of a file from `begin` on: what a server said since it was started. */
export const readFrom = async (path: string, begin: number): Promise<string> => {
  const handle = await open(path, 'r').catch(ifMissing);
  if (handle === undefined) return '';
  try {
    const { size } = await handle.stat();
    const from = Math.max(begin, size - MOST);
    const { buffer, bytesRead } = await handle.read(Buffer.alloc(Math.max(0, size - from)), { position: from });
    return buffer.toString('utf8', 0, bytesRead);
  } finally {
    await handle.close();
  }
};

/** Waits until a server is gone; `false` when it is still there at the end of `within` milliseconds. */
export const gone = async (
  { options }: { readonly options: { readonly processes: Processes } },
  id: ProcessId,
  budget: Budget,
  within: number,
): Promise<boolean> => (await budget.poll(20, within, () => (options.processes.alive(id) ? undefined : true))) ?? false;
