import { ms, type MemberName } from '../core/brand.ts';
import { known, type Known } from '../core/known.ts';
import type { PeerAnswer } from '../core/memory.ts';
import type { ClusterView } from '../core/model.ts';
import type { AgentStatus } from '../core/status.ts';
import { clusterDocument, type LiveOf } from '../state/cluster-document.ts';
import { liveMembers } from '../state/live-members.ts';
import type { ApiDeps } from './deps.ts';
import { leader } from './health.ts';
import { NO_LIMITS } from './health-query.ts';
import { toJson } from './json.ts';
import { createShared } from './shared.ts';

/** How long the other agents may take; one that does not answer has the lag that the leader's connection shows, or `unknown`. */
const ASK_TIMEOUT = ms(300);
/** Everyone who asks within this time gets the same answers, so that a flood of requests asks each agent once. */
const KEEP_FOR = ms(1_000);

/** Returns what writes `GET /cluster`: members and their states from etcd, positions and lags from the agents themselves. */
export const createClusterText = (deps: ApiDeps, closing: AbortSignal): ((status: AgentStatus) => Promise<string>) => {
  const ask = createShared(deps.clock, KEEP_FOR, async () => {
    const status = deps.status();
    const members = [...(status?.view?.members.values() ?? [])].map(({ value }) => value);
    const others = members.filter(({ name }) => name !== status?.name);
    return deps.peers.ask(
      others.map(({ name, apiUrl }) => ({ name, url: apiUrl })),
      { timeout: ASK_TIMEOUT, signal: closing },
    );
  });
  return async (status) => {
    const { view } = status;
    if (view === undefined) return toJson({ members: [], scope: status.cluster });
    const answers = new Map(await ask());
    answers.set(status.name, known(ownAnswer(status, deps)));
    return toJson(clusterDocument(status.cluster, view, deps.positions, orConnection(status, view, answers, deps)));
  };
};

const orConnection = (
  status: AgentStatus,
  view: ClusterView,
  answers: ReadonlyMap<MemberName, Known<PeerAnswer>>,
  deps: ApiDeps,
): LiveOf => {
  const live = liveMembers(view, answers, deps.positions);
  const database = status.database.kind === 'known' ? status.database.value : undefined;
  const replicas = database?.kind === 'running' ? database.replicas : [];
  return (member) => {
    const { state, lag, position } = live(member);
    // While etcd answers, what is published there is as new, and the same for whoever is asked.
    return {
      state: status.storeTrouble === undefined ? undefined : state,
      position,
      lag: lag ?? replicas.find(({ name }) => name.split('~')[0] === member)?.lag,
    };
  };
};

/** This agent in the form in which the others answer. */
const ownAnswer = (status: AgentStatus, deps: ApiDeps): PeerAnswer => {
  const database = status.database.kind === 'known' ? status.database.value : undefined;
  return {
    name: status.name,
    instance: status.instance,
    state: status.state,
    role: status.role,
    position: status.position,
    applied: (database?.kind === 'running' ? database.replay?.applied : undefined) ?? status.position,
    leads: status.leads,
    holdsRight: leader(status, deps.clock.now(), NO_LIMITS).code === 200,
    eligible: status.candidates.some((report) => report.name === status.name && report.eligible),
  };
};
