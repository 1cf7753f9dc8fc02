/** Values of `synchronous_commit` under which a commit's acknowledgement means that it is on the voters' disks (C2). */
const DURABLE: ReadonlySet<string> = new Set(['on', 'remote_apply', 'true', 'yes', '1']);

/** Whether commits under this level are outside the promise of the synchronous modes. */
export const isWeakLevel = (level: string): boolean => !DURABLE.has(level.trim().toLowerCase());
