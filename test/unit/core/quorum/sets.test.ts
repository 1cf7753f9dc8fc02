import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { Acknowledgement } from '../../../../src/core/database.ts';
import { nextDemandStep } from '../../../../src/core/quorum/steps.ts';
import { electingSize, NOBODY, protects, sameDemand, satisfies } from '../../../../src/core/quorum/sets.ts';

const VOTERS = ['b~1111', 'c~1111', 'd~1111', 'e~1111', 'f~1111'];
const demand = fc
  .subarray(VOTERS)
  .chain((voters) =>
    (voters.length === 0 ? fc.constant(0) : fc.integer({ min: 1, max: voters.length })).map(
      (acks): Acknowledgement => ({ voters, acks }),
    ),
  );

const subsets = (of: readonly string[]): readonly (readonly string[])[] =>
  of.reduce<readonly (readonly string[])[]>((all, each) => [...all, ...all.map((set) => [...set, each])], [[]]);

/** Rule D7 word by word: every set of acks of the one meets every electing set of the other. */
const meetAll = (database: Acknowledgement, published: Acknowledgement): boolean =>
  subsets(database.voters)
    .filter((set) => set.length === database.acks)
    .every((acked) =>
      subsets(published.voters)
        .filter((set) => set.length === electingSize(published))
        .every((electing) => electing.some((voter) => acked.includes(voter))),
    );

describe('electing sets and acknowledgements', () => {
  it('protects exactly where every set of acknowledgements meets every electing set', () => {
    fc.assert(
      fc.property(demand, demand, (a, b) => {
        expect(protects(a, b)).toBe(meetAll(a, b));
      }),
      { numRuns: 3_000 },
    );
  });

  it('a demand protects itself, and nothing protects a promise but one of acknowledgements', () => {
    fc.assert(
      fc.property(demand, (d) => {
        expect(protects(d, d)).toBe(true);
        expect(protects(NOBODY, d)).toBe(d.acks === 0);
        expect(protects(d, NOBODY)).toBe(true);
      }),
    );
  });

  it('an entry is satisfied by n - k + 1 of its voters, or by its own leader, of the same instance', () => {
    const entry = { leader: 'a~1111', voters: ['b~1111', 'c~1111', 'd~1111'], acks: 2 };
    expect(satisfies(new Set(['b~1111']), entry)).toBe(false);
    expect(satisfies(new Set(['b~1111', 'd~1111']), entry)).toBe(true);
    expect(satisfies(new Set(['b~1111', 'd~2222']), entry)).toBe(false);
    expect(satisfies(new Set(['a~1111']), entry)).toBe(true);
    expect(satisfies(new Set(['a~2222']), entry)).toBe(false);
    expect(satisfies(new Set(['b~1111', 'c~1111']), { ...entry, voters: [], acks: 0 })).toBe(false);
  });
});

describe('from one demand to another', () => {
  const every = { alive: new Set(VOTERS) };

  /** Takes the steps until nothing is left to do. */
  const walk = (from: Acknowledgement, wanted: Acknowledgement, alive: ReadonlySet<string>) => {
    let [database, published] = [from, from];
    const steps: { database: Acknowledgement; published: Acknowledgement }[] = [];
    for (let count = 0; count < 8; count++) {
      const step = nextDemandStep({ database, published, wanted, alive });
      if (step === undefined) return { steps, database, published };
      if (step.kind === 'database') database = step.demand;
      else published = step.demand;
      steps.push({ database, published });
    }
    throw new Error('it does not end');
  };

  it('every single step keeps the promise, and all of them together reach what is wanted', () => {
    fc.assert(
      fc.property(demand, demand, fc.subarray(VOTERS), (from, wanted, alive) => {
        const { steps, database, published } = walk(from, wanted, new Set(alive));
        for (const step of steps) expect(meetAll(step.database, step.published)).toBe(true);
        expect(sameDemand(database, wanted) && sameDemand(published, wanted)).toBe(true);
        expect(steps.length).toBeLessThanOrEqual(6);
      }),
      { numRuns: 500 },
    );
  });

  it('never asks for less than is wanted on the way, and for nothing only where nothing is wanted', () => {
    fc.assert(
      fc.property(demand, demand, (from, wanted) => {
        fc.pre(from.acks > 0 && wanted.acks > 0);
        for (const { database, published } of walk(from, wanted, every.alive).steps) {
          expect(database.acks).toBeGreaterThan(0);
          expect(published.acks).toBeGreaterThan(0);
        }
      }),
    );
  });

  it('a dead voter is replaced without a commit that hangs on it', () => {
    const dead = 'b~1111';
    const alive = new Set(VOTERS.filter((voter) => voter !== dead));
    const { steps } = walk({ voters: [dead], acks: 1 }, { voters: ['c~1111'], acks: 1 }, alive);
    const both = { voters: [dead, 'c~1111'], acks: 1 };
    const one = { voters: ['c~1111'], acks: 1 };
    expect(steps).toEqual([
      { database: { voters: [dead], acks: 1 }, published: both },
      { database: one, published: both },
      { database: one, published: one },
    ]);
  });

  it('demands nothing only after that was published, and publishes more only after it is demanded', () => {
    const some = { voters: ['b~1111', 'c~1111'], acks: 1 };
    expect(nextDemandStep({ database: some, published: some, wanted: NOBODY, ...every })).toEqual({
      kind: 'publish',
      demand: NOBODY,
    });
    expect(nextDemandStep({ database: NOBODY, published: NOBODY, wanted: some, ...every })).toEqual({
      kind: 'database',
      demand: some,
    });
  });
});
