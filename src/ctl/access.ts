import type { Operations, Refused } from '../ports/operations.ts';
import type { ClusterDocument } from '../state/cluster-document.ts';
import type { ConfigChange } from '../state/config-versions.ts';
import type { TermDocument } from '../state/history-lines.ts';
import type { WhyDocument } from './documents.ts';

/** What a question came to. */
export type Answer<T> = { readonly kind: 'ok'; readonly value: T } | Refused;

/**
 * The cluster as the command line reaches it: over one agent's API, or over etcd alone. Commands know no difference;
 * what only an agent can tell is refused with that reason where there is none.
 */
export interface Access {
  /** For people: `agent http://10.0.0.1:8010` or `etcd http://10.0.0.9:2379`. */
  readonly through: string;
  readonly operations: Operations;
  cluster(call: AccessCall): Promise<Answer<ClusterDocument>>;
  why(member: string | undefined, call: AccessCall): Promise<Answer<WhyDocument>>;
  configuration(call: AccessCall): Promise<Answer<ConfigurationDocument>>;
  history(call: AccessCall): Promise<Answer<readonly TermDocument[]>>;
  members(call: AccessCall): Promise<Answer<readonly MemberVersions[]>>;
  /** Everything that an agent knows, as it sent it. */
  status(call: AccessCall): Promise<Answer<unknown>>;
  /** Asks the agent at this address to read its local configuration again. */
  reload(apiUrl: string, call: AccessCall): Promise<Answer<string>>;
  /** Calls back for each event until the signal aborts or the agent ends the stream. */
  events(onEvent: (event: EventDocument) => void, call: AccessCall): Promise<Answer<void>>;
  close(): Promise<void>;
}

export interface AccessCall {
  readonly timeoutMs: number;
  readonly signal: AbortSignal;
}

interface ConfigurationDocument {
  readonly document: Readonly<Record<string, unknown>>;
  /** Newest first. */
  readonly versions: readonly ConfigChange[];
}

interface MemberVersions {
  readonly name: string;
  readonly api_url: string;
  readonly version: string;
  readonly server_version: string;
}

export interface EventDocument {
  readonly id: number;
  readonly at: string;
  readonly event: string;
  readonly level: string;
  readonly message: string;
  readonly fields: Readonly<Record<string, unknown>>;
}
