import type { Address, Dialect, Session } from './dialect.ts';

/** A workload beside the writers. It has tables of its own and judges by itself what it saw. */
export interface Companion {
  stop(): Promise<void>;
  /** What it saw that must not be, as sentences, after `stop`; `session` is one with the final primary. */
  judge(session: Session): Promise<readonly string[]>;
}

export interface CompanionOptions {
  readonly dialect: Dialect;
  readonly members: readonly (Address & { readonly name: string })[];
  /** Where whoever writes connects to. */
  readonly primary: Address;
  /** From 0 up to 1. */
  readonly random: () => number;
}
