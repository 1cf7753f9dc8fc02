import { ms, parseMemberName, type MemberName } from '../core/brand.ts';
import type { ClusterView } from '../core/model.ts';
import type { PositionAlgebra } from '../core/position.ts';
import type { Clock } from '../ports/clock.ts';
import type { ConsensusStore } from '../ports/consensus.ts';
import type { How, Refused } from '../ports/operations.ts';
import type { Peers } from '../ports/peers.ts';
import { clusterDocument } from '../state/cluster-document.ts';
import { configChanges, documentInForce } from '../state/config-versions.ts';
import { termDocuments } from '../state/history-lines.ts';
import { liveMembers } from '../state/live-members.ts';
import { createRank } from '../state/operation-rank.ts';
import { createKeys } from '../state/operation-read.ts';
import { createOperations } from '../state/operations.ts';
import { clusterPrefix } from '../state/paths.ts';
import type { Access, AccessCall, Answer } from './access.ts';

export interface StoreAccessDeps {
  readonly store: ConsensusStore;
  readonly cluster: string;
  readonly prefix: string;
  readonly positions: PositionAlgebra;
  readonly peers: Peers;
  readonly clock: Clock;
  readonly newId: () => string;
  /** For people: where etcd is. */
  readonly endpoints: readonly string[];
  /** The agent of this host, for what only an agent can tell; and for everything that can be read when etcd is gone. */
  readonly agent: Access | undefined;
}

const ASK_TIMEOUT = ms(500);

/** The cluster through etcd: needs no agent, except for what only agents know. */
export const createStoreAccess = (deps: StoreAccessDeps): Access => {
  const { agent, positions } = deps;
  const prefix = clusterPrefix(deps.prefix, deps.cluster);
  const rank = createRank({ peers: deps.peers, positions, within: false });
  const keysDeps = { store: deps.store, prefix, positions, clock: deps.clock };

  const view = async (call: AccessCall): Promise<Answer<ClusterView>> => {
    const how: How = {
      by: 'haagentctl',
      dryRun: false,
      wait: false,
      timeout: ms(call.timeoutMs),
      signal: call.signal,
      idempotencyKey: undefined,
    };
    const read = await createKeys(keysDeps, how).read();
    if (read.kind === 'no') return read.refused;
    return read.range.keys.length === 0 ? noSuchCluster(deps, prefix) : { kind: 'ok', value: read.view };
  };

  /** Answers from etcd; where etcd does not answer, from the agent of this host. */
  const either = async <T>(
    call: AccessCall,
    fromView: (view: ClusterView) => T | Promise<T>,
    fromAgent: (agent: Access) => Promise<Answer<T>>,
  ): Promise<Answer<T>> => {
    const read = await view(call);
    if (read.kind === 'ok') return { kind: 'ok', value: await fromView(read.value) };
    if (read.code !== 'store-unavailable' || agent === undefined) return read;
    const answer = await fromAgent(agent);
    return answer.kind === 'ok' ? answer : read;
  };

  return {
    through: `etcd ${deps.endpoints.join(', ')}`,
    operations: createOperations({ ...keysDeps, rank, newId: deps.newId }),
    cluster: async (call) =>
      either(
        call,
        async (seen) => {
          const members = [...seen.members.values()].map(({ value }) => ({ name: value.name, url: value.apiUrl }));
          const answers = await deps.peers.ask(members, { timeout: ASK_TIMEOUT, signal: call.signal });
          return clusterDocument(deps.cluster, seen, positions, liveMembers(seen, answers, positions));
        },
        async (other) => other.cluster(call),
      ),
    async why(member, call) {
      const fromAgent = await agent?.why(member, call);
      if (fromAgent?.kind === 'ok' || fromAgent?.code === 'not-found') return fromAgent;
      const read = await view(call);
      if (read.kind === 'refused') return read;
      const name = member === undefined ? undefined : parseMemberName(member);
      if (member !== undefined && (name === undefined || !read.value.members.has(name))) return noSuchMember(member);
      return { kind: 'ok', value: await whyFromView(read.value, name, call) };
    },
    configuration: async (call) =>
      either(
        call,
        (seen) => ({ document: documentInForce(seen), versions: configChanges(seen) }),
        async (other) => other.configuration(call),
      ),
    history: async (call) =>
      either(
        call,
        (seen) => termDocuments(seen, positions),
        async (other) => other.history(call),
      ),
    members: async (call) =>
      either(
        call,
        (seen) =>
          [...seen.members.values()].map(({ value }) => ({
            name: value.name,
            api_url: value.apiUrl,
            version: value.version,
            server_version: value.serverVersion,
          })),
        async (other) => other.members(call),
      ),
    status: async (call) => agent?.status(call) ?? NEEDS_AGENT,
    reload: async (apiUrl, call) => agent?.reload(apiUrl, call) ?? NEEDS_AGENT,
    events: async (onEvent, call) => agent?.events(onEvent, call) ?? NEEDS_AGENT,
    async close() {
      await Promise.all([deps.store.close(), deps.peers.close(), agent?.close()]);
    },
  };

  async function whyFromView(seen: ClusterView, only: MemberName | undefined, call: AccessCall) {
    const reports = await rank(seen, { allowDataLoss: false, signal: call.signal });
    return {
      cluster: deps.cluster,
      ...(seen.leader === undefined ? {} : { leader: seen.leader.value }),
      candidates: reports.filter(({ name }) => only === undefined || name === only),
      problems: [...seen.problems],
    };
  }
};

const NEEDS_AGENT: Refused = {
  kind: 'refused',
  code: 'unreachable',
  message: 'Only an agent can do that, and none is known.',
  hint: 'Name one with --agent http://HOST:8010.',
};

const noSuchMember = (member: string): Refused => ({
  kind: 'refused',
  code: 'not-found',
  message: `There is no member ${member}.`,
  hint: 'haagentctl list shows the members.',
});

const noSuchCluster = (deps: StoreAccessDeps, prefix: string): Refused => ({
  kind: 'refused',
  code: 'not-found',
  message: `There is nothing below ${prefix} in etcd ${deps.endpoints.join(', ')}.`,
  hint: 'Check the name of the cluster and the prefix (--cluster, --prefix).',
});
