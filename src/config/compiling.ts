import type { Host } from './host.ts';
import type { createSecrets } from './secrets.ts';

/** What the steps of compiling share: the host, the secrets, and where faults are collected. */
export interface Compiling {
  readonly host: Host;
  readonly secrets: ReturnType<typeof createSecrets>;
  fault(at: readonly PropertyKey[], found: string, wanted: string): void;
}

/** The same record without what is undefined. */
export const present = <T extends object>(record: T): { [K in keyof T]?: Exclude<T[K], undefined> } => {
  const result: { [K in keyof T]?: Exclude<T[K], undefined> } = {};
  Object.assign(result, Object.fromEntries(Object.entries(record).filter(([, value]) => value !== undefined)));
  return result;
};
