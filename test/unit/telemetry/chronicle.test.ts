import { describe, expect, it } from 'vitest';
import { newMemory } from '../../../src/core/agent.ts';
import { ms } from '../../../src/core/brand.ts';
import { known } from '../../../src/core/known.ts';
import type { Memory } from '../../../src/core/memory.ts';
import type { HistoryEntry } from '../../../src/core/model.ts';
import type { Reign } from '../../../src/core/reign.ts';
import { DEFAULT_SETTINGS, NO_TAGS } from '../../../src/core/settings.ts';
import { createChronicle } from '../../../src/telemetry/chronicle.ts';
import { at0, instance, keyed, name, NOW, primaryDatabase, replicaDatabase, term, view } from '../api/support.ts';

const FIRST = newMemory(
  {
    name: name('db1'),
    agent: 'agent-1',
    engine: 'postgresql',
    apiUrl: 'http://10.0.0.1:8010',
    host: '10.0.0.1',
    port: 5432,
    tags: NO_TAGS,
    version: '0.1.0',
    bootstrapSettings: DEFAULT_SETTINGS,
    bootstrapDocument: {},
  },
  instance('aaaa'),
  { now: NOW, wall: 0, time: '' },
);

const REIGN: Reign = {
  term: term(50),
  heartbeatRevision: keyed(0, 50).modRevision,
  seq: 0,
  deadline: undefined,
  provenAt: undefined,
  clearance: 'no',
  clearancePublished: false,
  silence: undefined,
  pausePublished: false,
  resuming: false,
  ttl: ms(10_000),
  generation: 4,
  since: NOW,
  dueAt: NOW,
  keyGone: false,
  unsettled: false,
  barrier: false,
  openFrom: undefined,
};

const history = (how: HistoryEntry['how']) =>
  keyed<HistoryEntry>(
    { member: name('db1'), instance: instance('aaaa'), generation: 4, how, reason: '', at: '', from: undefined },
    50,
  );

const replica = { database: known(replicaDatabase()) };
const primary = { database: known(primaryDatabase()) };

/** What a chronicle tells of these memories, each some milliseconds after the beginning. */
const told = (story: readonly (readonly [atMs: number, Partial<Memory>] | 'rewind' | 'clone')[]): readonly string[] => {
  const said: string[] = [];
  const chronicle = createChronicle({
    leaderChange: (how, phase, tookMs) => said.push(`${how} ${phase} ${tookMs}`),
    failover: (cause) => said.push(`failover ${cause}`),
    demotion: (reason) => said.push(`demotion ${reason}`),
    rejoin: (how) => said.push(`rejoin ${how}`),
    taskTook: (kind, tookMs) => said.push(`${kind} took ${tookMs}`),
  });
  let memory = FIRST;
  for (const each of story) {
    if (each === 'rewind' || each === 'clone') {
      const from = { member: name('db2'), host: 'b', port: 1 };
      const task = each === 'rewind' ? { kind: each, from } : { kind: each, from, systemId: '1', reason: '' };
      chronicle.taskEnded(task, { kind: 'done' });
      continue;
    }
    memory = { ...memory, ...each[1], now: at0(each[0]) };
    chronicle.looked(memory);
  }
  return said;
};

describe('the chronicle', () => {
  const won = { reign: REIGN, leaderlessSince: undefined };
  const cleared = { reign: { ...REIGN, clearance: 'silence' as const } };
  const open = {
    ...primary,
    reign: { ...cleared.reign, barrier: true },
    view: view({ history: history('take-over') }),
  };

  it('tells a failover with the time of each step', () => {
    const story = [
      [0, replica],
      [100, { leaderlessSince: at0(100) }],
      [350, won],
      [1_350, cleared],
      [1_800, { ...primary }],
      [1_850, open],
      [9_000, open],
    ] as const;
    expect(told(story)).toEqual([
      'take-over find 250',
      'take-over clear 1000',
      'take-over promote 450',
      'take-over open 50',
      'take-over total 1750',
      'failover silence',
    ]);
  });

  it('waits with it until the history of the term was read', () => {
    const early = { ...open, view: view({ history: keyed(history('take-over').value, 40) }) };
    expect(
      told([
        [0, replica],
        [10, won],
        [20, cleared],
        [30, early],
      ]),
    ).toEqual([]);
    expect(
      told([
        [0, replica],
        [10, won],
        [20, cleared],
        [30, early],
        [40, open],
      ]),
    ).toContain('failover silence');
  });

  it('calls a hand-over no failover', () => {
    const handed = { ...open, view: view({ history: history('hand-over') }) };
    const said = told([
      [0, replica],
      [10, won],
      [20, cleared],
      [30, handed],
    ]);
    expect(said).toContain('hand-over total 20');
    expect(said.join()).not.toContain('failover');
  });

  it('does not take a restart of the agent beside its primary for a change of leader', () => {
    const resumed = { ...open, reign: { ...open.reign, seq: 17 } };
    expect(
      told([
        [0, primary],
        [10, { ...resumed, reign: { ...resumed.reign, barrier: false } }],
        [20, resumed],
      ]),
    ).toEqual([]);
  });

  it('tells a demotion with the rule that ended it, and the way back', () => {
    const decision = { ...FIRST.decision, rule: 'leader.unproven' };
    const lost = { reign: undefined, decision, database: known({ kind: 'empty' as const }) };
    const story = [
      [0, replica],
      [10, won],
      [20, cleared],
      [30, open],
      [40, lost],
    ] as const;
    expect(told([...story, [60, replica], [70, replica]]).slice(5)).toEqual([
      'demotion leader.unproven',
      'rejoin follow',
    ]);
    expect(told([...story, 'rewind', [60, replica], [70, replica]]).slice(5)).toEqual([
      'demotion leader.unproven',
      'rejoin rewind',
    ]);
  });

  it('tells the first clone of a new member, and no rejoin of one that only started', () => {
    expect(told([[0, {}], 'clone', [60, replica], [70, replica]])).toEqual(['rejoin clone']);
    expect(
      told([
        [0, {}],
        [60, replica],
      ]),
    ).toEqual([]);
  });

  it('tells how long a task took', () => {
    const task = { task: { kind: 'start' as const, source: undefined }, since: at0(100) };
    expect(
      told([
        [100, { task }],
        [200, {}],
        [400, { task: undefined }],
      ]),
    ).toEqual(['start took 300']);
  });
});
