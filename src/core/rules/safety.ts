import { elapsedAtMost, type Instant } from '../instant.ts';
import { surelyNoPrimary } from '../primary.ts';
import { act, run, wait, type Rule } from './rule.ts';

/** A guard that died is started again within a second (02 "The guard and the fence"); after this long the agent demotes. */
const GUARD_BACK_WITHIN = 3_000;

/** Keys without which nobody may be promoted, cloned or created. */
const VITAL = ['leader', 'heartbeat', 'history', 'sync', 'initialize'];

/** Rules that come before all others: no database acknowledges writes without a right (rules D4, D6; invariants I2, I11). */
export const safetyRules: readonly Rule[] = [
  {
    id: 'safety.fence-without-right',
    why: 'the database may be a primary, but this member has no right to one, or its right ends within the time a fence takes',
    when: (s) => s.m.mayBePrimary && s.rightLeft <= s.m.settings.timing.fenceBudget,
    then: (s) => {
      const held =
        s.m.reign === undefined
          ? 'this member does not hold the leader key'
          : `its right ends in ${Math.round(s.rightLeft)} ms`;
      return run(
        { kind: 'fence', reason: held },
        'then rejoin as a replica, or become leader again by a proven heartbeat',
        [held],
      );
    },
  },
  {
    id: 'safety.no-guard',
    why: 'the guard has been gone for too long: without it nothing would fence a primary whose agent hangs',
    when: (s) =>
      s.m.mayBePrimary &&
      s.m.guard.lostSince !== undefined &&
      elapsedAtMost(s.m.guard.lostSince, s.m.now) > GUARD_BACK_WITHIN &&
      s.m.reign?.pausePublished !== true,
    then: () =>
      run({ kind: 'fence', reason: 'the guard is gone and does not come back' }, 'then wait for the guard', []),
  },
  {
    id: 'safety.tell-fenced',
    why: 'a former leader that is fenced says so, so that its successor need not wait out its right (D6)',
    when: (s) => s.m.owedFence !== undefined && s.view !== undefined && s.m.reign === undefined && surelyNoPrimary(s.m),
    then: (s) => act('then rejoin', [{ do: 'tell-fenced' }], [`fenced after term ${s.m.owedFence}`]),
  },
  {
    id: 'store.never-seen',
    why: 'etcd has not answered since the agent started: nothing is known of the cluster, so nothing is done',
    when: (s) => s.view === undefined,
    then: (s) => wait('act as soon as etcd answers', [s.m.storeTrouble ?? 'waiting for the first answer of etcd']),
  },
  {
    id: 'store.outdated',
    why: 'what is known of the cluster is older than the last write of this member: it is read again first',
    quiet: true,
    when: (s) => s.view !== undefined && s.view.revision < s.m.decideFrom,
    then: () => wait('decide from the next view', [], 50),
  },
  {
    id: 'store.unreadable',
    why: 'a key that decisions rest on is there but cannot be understood: nothing is decided without it',
    when: (s) => VITAL.some((key) => s.view?.unreadable.has(key) === true),
    then: (s) => wait('repair or upgrade; a leader goes on proving itself meanwhile', s.view?.problems ?? []),
  },
  {
    id: 'database.not-observed',
    why: 'the own database has not been looked at yet',
    when: (s) => s.db === undefined,
    then: (s) => wait('decide after the next observation', [s.m.database.kind === 'unknown' ? s.m.database.why : '']),
  },
  {
    id: 'member.other-cluster',
    why: 'the data directory belongs to another cluster: it is never touched',
    when: (s) => {
      const wanted = s.view?.initialize?.value.systemId;
      return wanted !== undefined && s.db !== undefined && 'systemId' in s.db && s.db.systemId !== wanted;
    },
    then: (s) => {
      const found = s.db !== undefined && 'systemId' in s.db ? s.db.systemId : '';
      return wait('point data_dir at an empty directory, or use another cluster name', [
        `the data directory holds system ${found}, the cluster is system ${s.view?.initialize?.value.systemId}`,
      ]);
    },
  },
  {
    id: 'member.unusable-data',
    why: 'what is in the data directory is not a database that this member may touch',
    when: (s) => s.db?.kind === 'unusable',
    then: (s) => wait('an operator has to look at the data directory', [s.db?.kind === 'unusable' ? s.db.why : '']),
  },
  {
    id: 'pause.hands-off',
    why: 'the cluster is paused: nothing is promoted, demoted, started or stopped (I19)',
    when: (s) =>
      s.paused &&
      (s.m.reign === undefined || s.m.reign.pausePublished || !s.m.mayBePrimary) &&
      s.m.handover === undefined,
    then: (s) =>
      wait('resume with: haagentctl resume', [
        s.m.reign === undefined ? 'paused' : `paused; still holds the leader key of term ${s.m.reign.term}`,
      ]),
  },
];

/** Milliseconds for which the leader's database has been down; 0 when it is not. */
export const downFor = (m: { readonly downSince: Instant | undefined; readonly now: Instant }): number =>
  m.downSince === undefined ? 0 : elapsedAtMost(m.downSince, m.now);
