import type { z } from 'zod';
import type { Term } from '../core/brand.ts';
import type { ConfigVersion, HistoryEntry, Intent, MemberRecord } from '../core/model.ts';
import type { Tags } from '../core/settings.ts';
import type { KeyKind, KeyValues, StatePut, StateTransaction, StateWrite } from '../core/transaction.ts';
import type { Transaction, Write } from '../ports/consensus.ts';
import type * as schemas from './schemas.ts';
import { termToNumber } from './fields.ts';
import { pathOf } from './paths.ts';
import { VERSION } from './schemas.ts';

const v = VERSION;

const historyForm = (entry: HistoryEntry): string => json({ v, ...entry } satisfies z.input<typeof schemas.history>);
const configForm = (version: ConfigVersion): string =>
  json({ v, ...version } satisfies z.input<typeof schemas.configVersion>);

const tagsForm = (tags: Tags): z.input<typeof schemas.member>['tags'] => ({
  nofailover: tags.nofailover,
  failover_priority: tags.failoverPriority,
  noloadbalance: tags.noloadbalance,
  clonefrom: tags.clonefrom,
  replicatefrom: tags.replicatefrom,
  nosync: tags.nosync,
  sync_priority: tags.syncPriority,
  custom: tags.custom,
});

const memberForm = (record: MemberRecord): string =>
  json({
    v,
    name: record.name,
    instance: record.instance,
    agent: record.agent,
    lease: record.lease,
    api_url: record.apiUrl,
    host: record.host,
    port: record.port,
    role: record.role,
    state: record.state,
    generation: record.generation,
    position: record.position,
    tags: tagsForm(record.tags),
    pending_restart: record.pendingRestart,
    version: record.version,
    server_version: record.serverVersion,
    most_acks: record.mostAcks,
    dropped: record.dropped,
  } satisfies z.input<typeof schemas.member>);

const intentForm = (intent: Intent): z.input<typeof schemas.intent> => {
  const base = { v, id: intent.id, by: intent.by, at: intent.at, outcome: intent.outcome } as const;
  switch (intent.kind) {
    case 'switchover':
      return { ...base, kind: intent.kind, from: intent.from, to: intent.to };
    case 'failover':
      return { ...base, kind: intent.kind, to: intent.to, allow_data_loss: intent.allowDataLoss };
    case 'restart':
      return { ...base, kind: intent.kind, member: intent.member, only_if_pending: intent.onlyIfPending };
    case 'reinitialize':
      return { ...base, kind: intent.kind, member: intent.member, from_leader: intent.fromLeader };
    default:
      return intent satisfies never;
  }
};

const json = (form: object): string => JSON.stringify(form);

/** The text form of each kind of value. What is undefined is left out. */
const forms: { readonly [K in KeyKind]: (value: KeyValues[K]) => string } = {
  leader: (name) => name,
  initialize: (value) =>
    json({
      v,
      system_id: value.systemId,
      how: value.how,
      engine: value.engine,
      by: value.by,
      instance: value.instance,
    } satisfies z.input<typeof schemas.initialize>),
  heartbeat: (value) =>
    json({ v, ...value, term: optionalTerm(value.term) } satisfies z.input<typeof schemas.heartbeat>),
  history: historyForm,
  'history-of': historyForm,
  sync: (entries) =>
    json({
      v,
      entries: entries.map((entry) => ({ ...entry, term: optionalTerm(entry.term), voters: [...entry.voters] })),
    } satisfies z.input<typeof schemas.sync>),
  config: configForm,
  'config-version': configForm,
  failsafe: (value) =>
    json({
      v,
      term: termToNumber(value.term),
      members: value.members.map((each) => ({ name: each.name, api_url: each.apiUrl })),
    } satisfies z.input<typeof schemas.failsafe>),
  member: memberForm,
  pledge: (value) => json({ v, ...value, term: optionalTerm(value.term) } satisfies z.input<typeof schemas.pledge>),
  suspect: (value) => json({ v, ...value, term: termToNumber(value.term) } satisfies z.input<typeof schemas.suspect>),
  intent: (value) => json(intentForm(value)),
  fenced: (value) => json({ v, ...value } satisfies z.input<typeof schemas.fenced>),
};

const optionalTerm = (term: Term | undefined): number | undefined =>
  term === undefined ? undefined : termToNumber(term);

/** The text that a key of this kind holds for this value. */
export const encodeValue = <K extends KeyKind>(kind: K, value: KeyValues[K]): string => forms[kind](value);

const encodeWrite = (prefix: string, write: StateWrite): Write => {
  const key = pathOf(prefix, write.key);
  if (write.kind === 'delete') return { kind: 'delete', key };
  const value = encodePut(write);
  return write.lease === undefined ? { kind: 'put', key, value } : { kind: 'put', key, value, lease: write.lease };
};

const encodePut = (put: StatePut): string => encodeValue(put.key.kind, put.value);

/** A transaction of the core as the store's port takes it. `prefix` ends with a slash (see `clusterPrefix`). */
export const encodeTransaction = (input: {
  readonly prefix: string;
  readonly transaction: StateTransaction;
}): Transaction => ({
  compare: input.transaction.compare.map(({ key, modRevision }) => ({ key: pathOf(input.prefix, key), modRevision })),
  writes: input.transaction.writes.map((write) => encodeWrite(input.prefix, write)),
});
