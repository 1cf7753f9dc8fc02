import type { HttpClient } from '../adapters/http/client.ts';

export interface AgentAccount {
  readonly username: string;
  readonly password: string;
}

export interface HttpAccessDeps {
  readonly client: HttpClient;
  /** Base address of an agent's API. */
  readonly url: string;
  /** For requests that change something. */
  readonly account: AgentAccount | undefined;
  readonly newId: () => string;
  readonly sleep: (delayMs: number, signal: AbortSignal) => Promise<void>;
}

/** The header that carries the account; nothing where there is none. */
export const authorization = (account: AgentAccount | undefined): Readonly<Record<string, string>> =>
  account === undefined
    ? {}
    : { authorization: `Basic ${Buffer.from(`${account.username}:${account.password}`, 'utf8').toString('base64')}` };
