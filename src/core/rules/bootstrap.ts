import { act, run, wait, type Decision, type Rule } from './rule.ts';
import { backingOff, type Snapshot } from '../snapshot.ts';
import type { Initialize } from '../model.ts';

const claim = (s: Snapshot, how: Initialize['how'], systemId: string | undefined): Initialize => ({
  how,
  systemId,
  engine: s.m.self.engine,
  by: s.m.self.name,
  instance: s.m.instance,
});

const claimed = (s: Snapshot): Initialize | undefined => s.view?.initialize?.value;
const mine = (s: Snapshot): boolean => claimed(s)?.by === s.m.self.name && claimed(s)?.instance === s.m.instance;
const hasNoData = (s: Snapshot): boolean => s.db?.kind === 'empty' || s.db?.kind === 'incomplete';
/** A database of an earlier claim of its own, which it may still publish. */
const hasUnused = (s: Snapshot): boolean => s.db?.kind === 'stopped' && s.db.pristine === true;
const unborn = (s: Snapshot): boolean => claimed(s) !== undefined && claimed(s)?.systemId === undefined;

/** Whoever creates the database is the only one who can lead it at first. */
const mayCreate = ({ m: { self } }: Snapshot): boolean => !self.tags.nofailover && self.tags.failoverPriority > 0;

/** How a cluster begins: one bootstrap, decided by compare-and-swap on `initialize` (invariant I12). */
export const bootstrapRules: readonly Rule[] = [
  {
    id: 'bootstrap.claim',
    why: 'no cluster is known and this member has no data: claim the right to create it',
    when: (s) => claimed(s) === undefined && hasNoData(s) && mayCreate(s),
    then: (s) => act('then create the database', [{ do: 'initialize', value: claim(s, 'created', undefined) }]),
  },
  {
    id: 'bootstrap.adopt-data',
    why: 'no cluster is known, and this member has data: the cluster is about this data',
    when: (s) => claimed(s) === undefined && s.db !== undefined && 'systemId' in s.db,
    then: (s) =>
      act('then lead after the longest possible right of an unknown leader', [
        {
          do: 'initialize',
          value: claim(s, 'adopted', s.db !== undefined && 'systemId' in s.db ? s.db.systemId : undefined),
        },
      ]),
  },
  {
    id: 'bootstrap.wait-claim',
    why: 'no cluster is known yet, and this member may not create it',
    when: (s) => claimed(s) === undefined,
    then: () => wait('copy when another member has created the cluster'),
  },
  {
    id: 'bootstrap.create',
    why: 'this member holds the claim: create the database',
    when: (s) => unborn(s) && mine(s) && hasNoData(s),
    then: (s) =>
      backingOff(s, 'initialize')
        ? wait('try again', [s.m.trouble?.message ?? ''], 1000)
        : run({ kind: 'initialize' }, 'then publish its identity'),
  },
  {
    id: 'bootstrap.publish',
    why: 'the database is created: publish its identity, so that the others can copy it',
    when: (s) => unborn(s) && mine(s) && s.db !== undefined && 'systemId' in s.db,
    then: (s) => {
      const systemId = s.db !== undefined && 'systemId' in s.db ? s.db.systemId : undefined;
      return act('then lead', [{ do: 'initialize', value: claim(s, 'created', systemId) }]);
    },
  },
  {
    id: 'bootstrap.take-claim',
    why: 'the member that claimed the bootstrap is gone and never published a database: claim it instead',
    when: (s) => unborn(s) && !mine(s) && claimantGone(s) && mayCreate(s) && (hasNoData(s) || hasUnused(s)),
    then: (s) =>
      act(
        hasUnused(s) ? 'then publish the database that it has created itself' : 'then create the database',
        [{ do: 'initialize', value: claim(s, 'created', undefined) }],
        [`${claimed(s)?.by} is gone`],
      ),
  },
  {
    id: 'bootstrap.wait-creator',
    why: 'another member is creating the cluster’s database',
    when: unborn,
    then: (s): Decision => wait('copy it when it is there', [`${claimed(s)?.by} is creating it`]),
  },
];

/** The claimant's member key has vanished with its lease, and the claim is older than this agent's first sight of it. */
const claimantGone = (s: Snapshot): boolean => {
  const by = claimed(s)?.by;
  if (by === undefined || s.view === undefined) return false;
  const record = s.view.members.get(by)?.value;
  return record === undefined
    ? s.m.leaderlessSince !== undefined && s.m.now.mono - s.m.leaderlessSince.mono > s.m.settings.timing.ttl
    : record.instance !== claimed(s)?.instance;
};
