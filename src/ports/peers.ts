import type { MemberName, Ms } from '../core/brand.ts';
import type { Known } from '../core/known.ts';
import type { PeerAnswer, PromiseRound } from '../core/memory.ts';
import type { PromiseRequest } from '../core/promise.ts';

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
  /**
   * Asks each for a promise not to lead (rule D15). Every member has an entry; whoever does not answer in time, or not as
   * somebody who knows the members' secret, has not promised. Never throws for what a peer or the network did.
   */
  askPromises(
    members: readonly PeerAddress[],
    request: PromiseRequest,
    call: { readonly timeout: Ms; readonly signal: AbortSignal },
  ): Promise<PromiseRound['answers']>;
  /**
   * Which of these members' hosts refuse connections to both agent and database: they answer, and nothing runs there. Never
   * throws for what the network did.
   */
  refusals(
    members: readonly (PeerAddress & { readonly host: string; readonly port: number })[],
    call: { readonly timeout: Ms; readonly signal: AbortSignal },
  ): Promise<ReadonlySet<MemberName>>;
  /** Closes kept connections. Can be called twice. */
  close(): Promise<void>;
}

export interface PeerAddress {
  readonly name: MemberName;
  /** Base address of its agent's API. */
  readonly url: string;
}
