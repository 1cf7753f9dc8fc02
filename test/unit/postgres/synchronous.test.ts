import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { isWeakLevel } from '../../../src/adapters/postgres/commit-levels.ts';
import { createHeard } from '../../../src/adapters/postgres/heard.ts';
import { parseProcessState } from '../../../src/adapters/postgres/process-state.ts';
import { receiverName, voterOf } from '../../../src/adapters/postgres/receiver-names.ts';
import { goesBy } from '../../../src/adapters/postgres/senders.ts';
import {
  demandOf,
  markedPriority,
  parseStandbyNames,
  satisfies,
  standbyNames,
  TURNS,
  type Demand,
} from '../../../src/adapters/postgres/standby-names.ts';
import { parseMemberName, type MemberName } from '../../../src/core/brand.ts';
import type { Acknowledgement } from '../../../src/core/database.ts';

const memberName: fc.Arbitrary<MemberName> = fc
  .stringMatching(/^[a-z0-9][a-z0-9_-]{0,62}$/)
  .map(parseMemberName)
  .filter((found) => found !== undefined);
const instance = fc.stringMatching(/^[a-z0-9]{4,32}$/);
const voters = fc.uniqueArray(
  fc.tuple(memberName, instance).map(([name, id]) => `${name}~${id}`),
  { minLength: 1, maxLength: 8 },
);
const acknowledgement: fc.Arbitrary<Acknowledgement> = voters.chain((names) =>
  fc.integer({ min: 1, max: names.length }).map((acks) => ({ voters: names, acks })),
);

describe('names of receivers', () => {
  it('are member~instance, fit, need no quoting but quotes, and are one for each member and instance', () => {
    fc.assert(
      fc.property(memberName, memberName, instance, instance, (a, b, x, y) => {
        const [one, other] = [receiverName(`${a}~${x}`), receiverName(`${b}~${y}`)];
        expect(one).toMatch(/^[a-z0-9_.-]+~[a-z0-9]+$/);
        expect(one!.length).toBeLessThanOrEqual(63);
        expect(one === other).toBe(a === b && x === y);
        expect(voterOf(one!, [b, a])).toBe(`${a}~${x}`);
      }),
      { numRuns: 2_000 },
    );
  });

  it('are the plain form wherever it fits, and a cut one that only its member can explain where it does not', () => {
    expect(receiverName('pg-1_x~0a1b2c3d4e5f')).toBe('pg-1_x~0a1b2c3d4e5f');
    const long = `${'n'.repeat(63)}~0a1b2c3d4e5f`;
    const name = receiverName(long)!;
    expect(name).toMatch(/^n{33}\.[0-9a-f]{16}~0a1b2c3d4e5f$/);
    expect(voterOf(name, [])).toBe(name);
  });

  it('take literally what can be nobody, and refuse what would need more than quotes', () => {
    expect(receiverName('~nobody')).toBe('~nobody');
    for (const hostile of ['a"b', "a'b", 'A~inst1', 'a,b', 'a b', '', '*', 'x'.repeat(64), 'ä'])
      expect(receiverName(hostile)).toBeUndefined();
  });
});

describe('what a setting demands', () => {
  it('reads back as what it was made from', () => {
    fc.assert(
      fc.property(acknowledgement, fc.integer({ min: 0, max: 9 }), (wanted, turn) => {
        const demand = demandOf(wanted);
        const names = wanted.voters.map((each) => receiverName(each));
        expect(parseStandbyNames(standbyNames(demand))).toEqual({ voters: names, acks: wanted.acks });
        const marked: Demand = { kind: 'marked', ...wanted, turn };
        expect(parseStandbyNames(standbyNames(marked))).toEqual({ voters: names, acks: wanted.acks });
      }),
    );
    expect(standbyNames(demandOf({ voters: [], acks: 0 }))).toBe('');
    expect(parseStandbyNames('')).toEqual({ voters: [], acks: 0 });
    expect(parseStandbyNames(standbyNames({ kind: 'nobody' }))).toEqual({ voters: ['~nobody'], acks: 1 });
    for (const foreign of ['*', '2 (a, b)', 'ANY 1 (a)', 'first, b'])
      expect(parseStandbyNames(foreign)).toBeUndefined();
  });

  it('is refused where no voters could ever satisfy it', () => {
    const refused = [
      { voters: ['a~inst1'], acks: 2 },
      { voters: ['a~inst1', 'a~inst1'], acks: 2 },
      { voters: [], acks: 1 },
      { voters: ['a~inst1'], acks: 0.5 },
      { voters: ['a~inst1'], acks: -1 },
      { voters: Array.from({ length: 33 }, (_, at) => `m${at}~inst1`), acks: 1 },
    ];
    for (const each of refused) expect(() => demandOf(each)).toThrow(/cannot be demanded/);
    expect(() => standbyNames({ kind: 'any', voters: ['a"; drop'], acks: 1 })).toThrow(/cannot be the name/);
  });

  it('shows a sender’s turn by its place: no voter has the same place in two turns, whatever the lists', () => {
    fc.assert(
      fc.property(voters, voters, fc.nat(TURNS - 1), fc.nat(TURNS - 1), (some, others, turn, later) => {
        fc.pre(turn !== later);
        for (const name of some) {
          const place = markedPriority({ kind: 'marked', voters: some, acks: 1, turn }, receiverName(name)!);
          const next = markedPriority(
            { kind: 'marked', voters: [...others, name], acks: 1, turn: later },
            receiverName(name)!,
          );
          expect(place).toBeGreaterThan(1);
          expect(place).not.toBe(next);
        }
      }),
    );
  });

  it('counts the place that PostgreSQL counts: from 1, over the marks, without regard to case', () => {
    const demand = { kind: 'marked', voters: ['b~inst1', 'c~inst1'], acks: 1, turn: 0 } as const;
    expect(standbyNames(demand)).toBe('FIRST 1 ("~", "b~inst1", "c~inst1")');
    expect([markedPriority(demand, 'b~inst1'), markedPriority(demand, 'C~INST1')]).toEqual([2, 3]);
    expect(markedPriority(demand, 'd~inst1')).toBe(0);
    const sender = { name: 'd~inst1', pid: 1, priority: 0, heard: true, young: false };
    expect(goesBy(demand, sender)).toBe(true);
    expect(goesBy(demand, { ...sender, heard: false })).toBe(false);
    expect(goesBy(demand, { ...sender, heard: false, young: true })).toBe(true);
    expect(goesBy(demand, { ...sender, priority: 3 })).toBe(false);
  });

  it('is satisfied by another exactly when every set of acknowledgements is', () => {
    const sets = (names: readonly string[], size: number): readonly (readonly string[])[] =>
      size === 0
        ? [[]]
        : names.flatMap((name, at) => sets(names.slice(at + 1), size - 1).map((rest) => [name, ...rest]));
    const small = fc
      .subarray(['a~inst1', 'b~inst1', 'c~inst1', 'd~inst1'], { minLength: 1 })
      .chain((names) => fc.integer({ min: 1, max: names.length }).map((acks) => ({ voters: names, acks })));
    fc.assert(
      fc.property(small, small, (from, to) => {
        const everySet = sets(from.voters, from.acks).every(
          (set) => set.filter((name) => to.voters.includes(name)).length >= to.acks,
        );
        if (satisfies(from, to)) expect(everySet).toBe(true);
      }),
    );
    const nothing = { voters: [], acks: 0 };
    expect(satisfies(nothing, { voters: ['a~inst1'], acks: 1 })).toBe(false);
    expect(satisfies({ voters: ['a~inst1'], acks: 1 }, nothing)).toBe(true);
  });
});

describe('levels of durability', () => {
  it.each(['on', 'ON', 'remote_apply', 'true', '1', 'yes'])('%s waits for the voters’ disks', (level) =>
    expect(isWeakLevel(level)).toBe(false),
  );
  it.each(['off', 'local', 'remote_write', 'false', '0', 'o', ''])('%s does not', (level) =>
    expect(isWeakLevel(level)).toBe(true),
  );
});

describe('when something was last heard', () => {
  const at = (t: number, boot = t) => ({ mono: t, boot });

  it('grows while the mark stays and begins anew with each mark', () => {
    const heard = createHeard();
    expect(heard.ageMs('b', 'm1', at(0), 40)).toBe(40);
    expect(heard.ageMs('b', 'm1', at(900), 940)).toBe(940);
    expect(heard.ageMs('b', 'm2', at(1_000), 10)).toBe(10);
    expect(heard.ageMs('b', undefined, at(1_100))).toBeUndefined();
  });

  it('believes no wall clock that was set: a new mark is not older than the last look at the old one', () => {
    const heard = createHeard();
    heard.ageMs('b', 'm1', at(0), 0);
    heard.ageMs('b', 'm1', at(500), 500);
    expect(heard.ageMs('b', 'm2', at(600), 3_600_000)).toBe(100);
    expect(heard.ageMs('b', 'm3', at(700), -3_600_000)).toBe(0);
    expect(heard.ageMs('b', 'm3', at(900), -3_600_000)).toBe(200);
  });

  it('forgets who is gone', () => {
    const heard = createHeard();
    heard.ageMs('7', 'm1', at(0));
    heard.keep(new Set(['8']));
    expect(heard.ageMs('7', 'm1', at(5_000))).toBe(0);
  });
});

describe('the state of a process', () => {
  const status = (state: string, thread: string, process: string) =>
    `Name:\tpostgres\nUmask:\t0077\nState:\t${state}\nSigQ:\t0/95\nSigPnd:\t${thread}\nShdPnd:\t${process}\nSigBlk:\t0\n`;

  it('tells of a SIGHUP that it has not taken, and whether it sleeps', () => {
    const idle = '0000000000000000';
    expect(parseProcessState(status('S (sleeping)', idle, idle))).toEqual({ reloadPending: false, sleeping: true });
    expect(parseProcessState(status('T (stopped)', idle, '0000000000000001'))).toEqual({
      reloadPending: true,
      sleeping: false,
    });
    expect(parseProcessState(status('R (running)', '0000000000000001', idle))?.reloadPending).toBe(true);
    expect(parseProcessState(status('R (running)', idle, '0000000000000002'))?.reloadPending).toBe(false);
    expect(parseProcessState('')).toBeUndefined();
  });
});
