import type { CandidateReport } from '../core/candidates.ts';
import type { ClusterView, Intent, SettingsDocument } from '../core/model.ts';
import type { How, OperationResult, Operations, Refused } from '../ports/operations.ts';
import { isoTime } from './cluster-document.ts';
import { checkFailover, checkReinitialize, checkRestart, checkSwitchover, type Refusal } from './operation-checks.ts';
import { changeConfiguration, type ConfigEdit } from './operation-config.ts';
import { intentId } from './operation-id.ts';
import { unprovenOf, type Rank } from './operation-rank.ts';
import { createKeys, type KeysDeps } from './operation-read.ts';
import { recordIntent } from './operation-record.ts';
import { waitForOutcome } from './operation-wait.ts';
import { withdrawIntents } from './operation-withdraw.ts';
import { pathOf } from './paths.ts';

export interface OperationsDeps extends KeysDeps {
  readonly rank: Rank;
  /** Something that no other request has, of letters and digits, at most 40. */
  readonly newId: () => string;
}

/**
 * What operators can ask of the cluster, through etcd alone: checks, records the wish by compare-and-swap, and waits for
 * its outcome where that is wanted. Carries nothing out. Methods throw only the signal's reason.
 */
export const createOperations = (deps: OperationsDeps): Operations => {
  const { clock } = deps;

  const ask = async (
    intent: Intent,
    how: How,
    check: (view: ClusterView) => Promise<Refusal>,
    sentence: () => {
      readonly message: string;
      readonly candidates?: readonly CandidateReport[];
      /** Who is to lead. */
      readonly to?: string | undefined;
    },
  ): Promise<OperationResult> => {
    const keys = createKeys(deps, how);
    const recorded = await recordIntent(keys, intent, check, how.dryRun);
    if (recorded.kind === 'refused') return recorded;
    if (recorded.kind === 'would-record') {
      const { message, candidates, to } = sentence();
      const unproven = unprovenOf(candidates?.find(({ name }) => name === to));
      return {
        kind: 'would-do',
        message,
        ...(candidates === undefined ? {} : { data: { candidates } }),
        ...(unproven === undefined ? {} : { unproven }),
      };
    }
    const data = { intent: recorded.intent.id };
    const { at, kind, outcome } = recorded.intent;
    if (at !== undefined && outcome === undefined)
      return { kind: 'scheduled', message: `${kind} scheduled for ${isoTime(at)}`, data };
    if (how.wait || outcome !== undefined) return waitForOutcome(keys, clock, recorded.intent, how);
    return { kind: 'accepted', message: `${kind} recorded as ${recorded.intent.id}`, data };
  };

  const base = (kind: Intent['kind'], at: number | undefined, how: How) => ({
    id: intentId(kind, how.idempotencyKey, deps.newId),
    by: how.by,
    at,
    outcome: undefined,
  });

  return {
    async switchover(request, how) {
      let candidates: readonly CandidateReport[] = [];
      let leader: string | undefined;
      const intent: Intent = {
        ...base('switchover', request.at, how),
        kind: 'switchover',
        from: request.from,
        to: request.to,
      };
      return ask(
        intent,
        how,
        async (view) => {
          candidates = await deps.rank(view, { allowDataLoss: false, signal: how.signal });
          leader = view.leader?.value;
          return checkSwitchover(view, request, candidates, clock.wall());
        },
        () => {
          const to = request.to ?? candidates.find(({ rank }) => rank === 1)?.name;
          const when = request.at === undefined ? '' : ` at ${isoTime(request.at)}`;
          return { message: `would switch over from ${leader} to ${to ?? 'the best member'}${when}`, candidates, to };
        },
      );
    },

    async failover(request, how) {
      let candidates: readonly CandidateReport[] = [];
      const intent: Intent = { ...base('failover', undefined, how), kind: 'failover', ...request };
      return ask(
        intent,
        how,
        async (view) => {
          candidates = await deps.rank(view, { allowDataLoss: request.allowDataLoss, signal: how.signal });
          return checkFailover(view, request, candidates);
        },
        () => ({ message: `would fail over to ${request.to}`, candidates, to: request.to }),
      );
    },

    async restart(request, how) {
      const intent: Intent = {
        ...base('restart', request.at, how),
        kind: 'restart',
        member: request.member,
        onlyIfPending: request.onlyIfPending,
      };
      return ask(
        intent,
        how,
        async (view) => checkRestart(view, request, clock.wall()),
        () => ({ message: `would restart the database of ${request.member}` }),
      );
    },

    async reinitialize(request, how) {
      const intent: Intent = { ...base('reinitialize', undefined, how), kind: 'reinitialize', ...request };
      return ask(
        intent,
        how,
        async (view) => checkReinitialize(view, request),
        () => ({
          message: `would replace the data of ${request.member} by a copy of ${request.fromLeader ? 'the leader' : 'a healthy member'}`,
        }),
      );
    },

    cancel: (kind, member, how) => withdrawIntents(createKeys(deps, how), kind, member, how.dryRun),

    async pause(wanted, how) {
      const result = await configure(deps, { how: 'patch', document: { pause: wanted ? true : null } }, how);
      if (result.kind === 'refused') return result;
      const state = wanted ? 'paused: nothing automatic happens until it is resumed' : 'no longer paused';
      return {
        ...result,
        message: result.kind === 'would-do' ? `the cluster would be ${state}` : `the cluster is ${state}`,
      };
    },

    async configure(change, how) {
      if (!isDocument(change.document)) return NOT_A_DOCUMENT;
      return configure(deps, { how: change.how, document: change.document }, how);
    },
  };
};

const configure = (deps: OperationsDeps, edit: ConfigEdit, how: How): Promise<OperationResult> =>
  changeConfiguration(createKeys(deps, how), edit, {
    by: how.by,
    wall: deps.clock.wall(),
    dryRun: how.dryRun,
    configKey: pathOf(deps.prefix, { kind: 'config' }),
  });

const isDocument = (value: unknown): value is SettingsDocument =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

const NOT_A_DOCUMENT: Refused = {
  kind: 'refused',
  code: 'config-invalid',
  message: 'A configuration is an object of settings.',
  hint: 'For instance {"ttl": "10s"}.',
};
