import { known } from '../../../../src/core/known.ts';
import type { MemberName } from '../../../../src/core/brand.ts';
import type { Memory } from '../../../../src/core/memory.ts';
import type { ClusterView, Keyed, Pledge, SyncEntry } from '../../../../src/core/model.ts';
import type { Demand } from '../../../../src/core/quorum/demand.ts';
import type { Pledging } from '../../../../src/core/quorum/pledging.ts';
import { wantedConfiguration } from '../../../../src/core/rules/upkeep.ts';
import { DEFAULT_SETTINGS, type Settings } from '../../../../src/core/settings.ts';
import { takeSnapshot } from '../../../../src/core/snapshot.ts';
import {
  follower,
  heartbeat,
  instance,
  instant,
  keyed,
  leader,
  name,
  ownView,
  position,
  positions,
  primary,
  reign,
  running,
  term,
  view,
} from '../support.ts';
import type { Situation } from '../situations.ts';

/** Situations of a cluster that promises its writes: b leads term 10 and promised any 1 of a and c. */

const entry = (over: Partial<SyncEntry> = {}): SyncEntry => ({
  term: term(10),
  leader: 'b~blife1',
  voters: ['a~alife1', 'c~clife1'],
  acks: 1,
  ...over,
});
const own = entry({ leader: 'a~alife1', voters: ['b~blife1', 'c~clife1'] });
const pledge = (who: string, at: number): [MemberName, Keyed<Pledge>] => [
  name(who),
  keyed({ member: name(who), instance: instance(`${who}life1`), term: term(10), position: position(2, at) }, 40),
];
const pledges = (...each: readonly [MemberName, Keyed<Pledge>][]): Partial<ClusterView> => ({ pledges: new Map(each) });

/** The last leader is fenced and said so. */
const fenced = (over: Partial<ClusterView> = {}): ClusterView =>
  view({
    leader: undefined,
    heartbeat: keyed(heartbeat({ released: true }), 20),
    sync: keyed([entry()], 15),
    ...over,
  });
const settled: Pledging = { unsettled: false, stopped: undefined, withdrawn: undefined };
const stoppedAt = (at: number): Pledging => ({ ...settled, stopped: { term: term(10), position: position(2, at) } });
const detached = known(running({ source: undefined, streaming: false }));
const voter = (over: Partial<Memory> = {}): Memory =>
  follower({ pledging: settled, database: detached, pledgeWantedSince: instant(0), view: fenced(), ...over });

const quorum = (over: Partial<Settings['replication']> = {}): Settings => ({
  ...DEFAULT_SETTINGS,
  replication: { ...DEFAULT_SETTINGS.replication, mode: 'quorum', ...over },
});
const known1 = { voters: own.voters, acks: 1 };
const demand = (over: Partial<Demand> = {}): Demand => ({
  proven: known1,
  prepared: undefined,
  mark: position(2, 150),
  committed: true,
  unsettled: false,
  aloneSince: undefined,
  ...over,
});
const sender = (who: string) => ({
  name: `${who}~${who}life1`,
  address: undefined,
  state: 'streaming',
  sync: 'quorum',
  lag: 0,
  flushed: position(2, 150),
  heardAgoMs: 10,
});
const led = (over: Partial<Memory> = {}): Memory => {
  const m = leader({
    settings: quorum(),
    demand: demand(),
    view: ownView({ sync: keyed([own], 15) }),
    database: known(primary({ replicas: [sender('b'), sender('c')] })),
    ...over,
  });
  return { ...m, configured: wantedConfiguration(takeSnapshot(m, positions)) };
};
const unpromoted: Partial<Memory> = {
  reign: reign({ generation: 3 }),
  database: detached,
  mayBePrimary: false,
};

const situation = (rule: string, memory: Memory, ...wants: readonly string[]): Situation => ({ rule, memory, wants });

export const promiseSituations: readonly Situation[] = [
  situation('pledge.stop-receiving', voter({ database: known(running()) }), 'run:stop-receiving'),
  situation('pledge.give', voter({ pledging: stoppedAt(150) }), 'pledge'),
  situation('pledge.settle', follower({ view: view({ sync: keyed([entry()], 15) }), database: detached }), 'pledge'),
  situation(
    'pledge.withdraw',
    voter({ pledging: stoppedAt(150), view: view({ sync: keyed([entry()], 15), ...pledges(pledge('a', 150)) }) }),
    'pledge',
  ),
  situation('election.by-pledges-wait', voter({ view: fenced(pledges(pledge('a', 150))) })),
  situation(
    'election.by-pledges-unfit',
    voter({ view: fenced(pledges(pledge('a', 150), pledge('c', 150))), stopping: 'full' }),
  ),
  // Its record is gone with its lease: nobody can tell what its tags say.
  situation(
    'election.by-pledges-unfit',
    voter({ view: { ...fenced(pledges(pledge('a', 150), pledge('c', 150))), members: new Map() } }),
  ),
  situation(
    'election.by-pledges-silence',
    voter({
      view: view({
        heartbeat: keyed(heartbeat({ released: false }), 20),
        sync: keyed([entry({ leader: 'c~clife1', voters: [], acks: 0 }), entry()], 15),
        ...pledges(pledge('a', 150), ['b' as MemberName, pledge('b', 150)[1]]),
        suspects: new Map(
          ['a', 'c'].map((who) => [
            name(who),
            keyed(
              { member: name(who), instance: instance(`${who}life1`), term: term(10), evidence: 'silence' as const },
              41,
            ),
          ]),
        ),
      }),
    }),
  ),
  situation(
    'election.by-pledges-give-way',
    voter({ view: fenced(pledges(pledge('a', 150), pledge('c', 170), ['b' as MemberName, pledge('b', 120)[1]])) }),
  ),
  situation(
    'election.by-pledges',
    voter({ view: fenced(pledges(pledge('a', 150), pledge('c', 120))) }),
    'lead:acquire',
  ),
  situation(
    'leader.lost-log',
    led({ ...unpromoted, view: ownView({ sync: keyed([own], 15), ...pledges(pledge('a', 190)) }) }),
    'release',
  ),
  situation('leader.prepare-demand', led(unpromoted), 'run:acknowledge'),
  situation(
    'leader.demand',
    led({ database: known(primary({ replicas: [sender('c')] })), demand: demand({ proven: undefined }) }),
    'run:acknowledge',
  ),
  situation(
    'leader.prove-by-commit',
    led({
      view: ownView({ sync: keyed([entry(), own], 15) }),
      database: known(primary({ replicas: ['b', 'c'].map((who) => ({ ...sender(who), flushed: undefined })) })),
      demand: demand({ committed: false }),
    }),
    'run:barrier',
  ),
  situation('leader.publish-promise', led({ demand: demand({ unsettled: true }) }), 'publish'),
  situation(
    'leader.revoked',
    led({ view: ownView({ sync: keyed([own], 15), ...pledges(pledge('b', 150), pledge('c', 150)) }) }),
  ),
  situation(
    'member.leave-voters',
    voter({
      view: view({ sync: keyed([entry()], 15) }),
      database: known(running()),
      stopping: 'full',
      leavingSince: instant(0),
    }),
  ),
  situation('leader.kept-closed', led({ reign: reign({ openFrom: instant(500) }) })),
];
