import type { CandidateReport } from '../core/candidates.ts';
import type { DatabaseView } from '../core/database.ts';
import { elapsedAtLeast } from '../core/instant.ts';
import type { ClusterView, Intent, MemberRecord } from '../core/model.ts';
import type { PositionAlgebra } from '../core/position.ts';
import type { AgentStatus } from '../core/status.ts';
import { isoTime } from '../state/cluster-document.ts';
import { shownTags } from '../state/tag-texts.ts';
import type { Moment } from './patroni-document.ts';

/**
 * `GET /status`: everything the agent shows of itself. Times are ISO 8601,
 * what does not exist is left out. What depends on the moment of asking is not here but in the field `now`, which the
 * route adds: this part is written once for each status.
 */
export const statusDocument = (status: AgentStatus, positions: PositionAlgebra, moment: Moment): object => ({
  cluster: status.cluster,
  name: status.name,
  instance: status.instance,
  agent: status.agent,
  version: status.version,
  engine: status.engine,
  api_url: status.apiUrl,
  host: status.host,
  port: status.port,
  agent_started_at: isoTime(status.agentStartedAt),
  made_at: isoTime(moment.wall - elapsedAtLeast(status.madeAt, moment.now)),
  role: status.role,
  state: status.state,
  leads: status.leads,
  term: status.term,
  cleared: status.cleared,
  open: status.open,
  serving: status.serving,
  stopping: status.stopping,
  generation: generationOf(status),
  position: status.position,
  position_text: status.position === undefined ? undefined : positions.describe(status.position),
  applied: runningOf(status)?.replay?.applied ?? status.position,
  lag: status.lag,
  lag_unit: status.lagUnit,
  eligible: status.candidates.find((c) => c.name === status.name)?.eligible,
  unfit: runningOf(status)?.unfit,
  receiving: runningOf(status)?.role === 'replica' ? runningOf(status)?.streaming : undefined,
  tags: shownTags(status.tags),
  decision: { ...status.decision, since: isoTime(status.decision.since) },
  task: status.task === undefined ? undefined : { ...status.task, since: isoTime(status.task.since) },
  guard: { alive: status.guard.alive, armed_term: status.guard.armedTerm, port_cut: status.guard.cut },
  loop_at: isoTime(status.loopAt),
  store_trouble: status.storeTrouble,
  failsafe: failsafeDocument(status),
  database: status.database.kind === 'unknown' ? status.database : databaseDocument(status.database.value),
  pause: status.settings.pause,
  replication: replicationDocument(status),
  candidates: status.candidates.map(candidateDocument),
  view: status.view === undefined ? undefined : viewDocument(status.view),
});

/** Absent while etcd confirms the leader's right, and on members that do not lead. */
const failsafeDocument = ({ failsafe }: AgentStatus): object | undefined =>
  failsafe.activeSince === undefined && failsafe.refusals.length === 0
    ? undefined
    : {
        active_since: failsafe.activeSince === undefined ? undefined : isoTime(failsafe.activeSince),
        refusals: failsafe.refusals,
      };

/** One member's standing in the ranking, for `/why` and `/status`. */
const candidateDocument = (report: CandidateReport): object => ({
  name: report.name,
  eligible: report.eligible,
  rank: report.rank,
  lag: report.lag,
  reasons: report.reasons,
});

/** `GET /why`: the decision in force, what would come next, and each member's chances. */
export const whyDocument = (status: AgentStatus, candidates: readonly CandidateReport[]): object => ({
  cluster: status.cluster,
  asked: status.name,
  leader: status.view?.leader?.value,
  decision: { ...status.decision, since: isoTime(status.decision.since) },
  store_trouble: status.storeTrouble,
  failsafe: failsafeDocument(status),
  task: status.task === undefined ? undefined : { ...status.task, since: isoTime(status.task.since) },
  candidates: candidates.map(candidateDocument),
  problems: status.view?.problems ?? [],
});

const runningOf = (status: AgentStatus) =>
  status.database.kind === 'known' && status.database.value.kind === 'running' ? status.database.value : undefined;

const generationOf = (status: AgentStatus): number => {
  const database = status.database.kind === 'known' ? status.database.value : undefined;
  if (database?.kind === 'running' || database?.kind === 'stopped') return database.generation;
  return status.view?.members.get(status.name)?.value.generation ?? 0;
};

const replicationDocument = (status: AgentStatus): object => ({
  mode: status.settings.replication.mode,
  acks: status.settings.replication.acks,
  strict: status.settings.replication.strict,
  max_lag_on_failover: status.settings.replication.maxLagOnFailover,
});

const databaseDocument = (database: DatabaseView): object => {
  if (database.kind !== 'running') return database;
  const { pendingRestart, serverVersion, startedAt, systemId, ...rest } = database;
  return {
    ...rest,
    system_id: systemId,
    server_version: serverVersion,
    started_at: isoTime(startedAt),
    pending_restart: pendingRestart,
  };
};

const viewDocument = (view: ClusterView): object => ({
  revision: view.revision,
  leader: view.leader?.value,
  leader_revision: view.leader?.modRevision,
  heartbeat: view.heartbeat === undefined ? undefined : { ...view.heartbeat.value, slots: undefined },
  sync: view.sync?.value,
  members: [...view.members.values()]
    .map(({ value }) => value)
    .sort((a, b) => (a.name < b.name ? -1 : 1))
    .map(memberRecordDocument),
  intents: view.intents.map(({ value }) => intentDocument(value)),
  problems: view.problems,
});

const memberRecordDocument = (record: MemberRecord): object => ({
  name: record.name,
  instance: record.instance,
  api_url: record.apiUrl,
  host: record.host,
  port: record.port,
  role: record.role,
  state: record.state,
  generation: record.generation,
  tags: shownTags(record.tags),
  pending_restart: record.pendingRestart,
  version: record.version,
  server_version: record.serverVersion,
});

/** An intent as the APIs show it: times as ISO 8601. */
const intentDocument = (intent: Intent): object => ({
  ...intent,
  at: intent.at === undefined ? undefined : isoTime(intent.at),
  outcome: intent.outcome === undefined ? undefined : { ...intent.outcome, at: isoTime(intent.outcome.at) },
});
