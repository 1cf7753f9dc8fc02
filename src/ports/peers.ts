import type { MemberName, Ms } from '../core/brand.ts';
import type { Known } from '../core/known.ts';
import type { PeerAnswer } from '../core/memory.ts';

/** The other members' agents, asked directly. What they say is hostile until it is checked, and never remembered. */
export interface Peers {
  /**
   * Asks all at once; every member has an entry in the result: its answer, or why there is none. Ends by `timeout` at the
   * latest, and never throws for what a peer or the network did.
   */
  ask(
    members: readonly PeerAddress[],
    call: { readonly timeout: Ms; readonly signal: AbortSignal },
  ): Promise<ReadonlyMap<MemberName, Known<PeerAnswer>>>;
  /** Closes kept connections. Can be called twice. */
  close(): Promise<void>;
}

export interface PeerAddress {
  readonly name: MemberName;
  /** Base address of its agent's API. */
  readonly url: string;
}
