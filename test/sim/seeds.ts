import { shrink } from './shrink.ts';
import { simulate, traceHash, type Outcome } from './simulate.ts';
import type { Profile } from './faults/profiles.ts';
import { RARE_PATHS, type RarePath } from './sometimes.ts';

export interface SeedRun {
  readonly first: number;
  readonly profile: Profile | undefined;
  readonly count: number;
  /** Prints each timeline. */
  readonly trace: boolean;
  /** Goes on after a broken promise. */
  readonly all: boolean;
}

/** So many seeds have to take every rare path. */
const ENOUGH = 1_000;

/** Runs seeds one after another and prints what came of them; true when every promise was kept. */
export const runSeeds = ({ first, count, trace, all, profile }: SeedRun): boolean => {
  const started = performance.now();
  const broken = new Map<string, number[]>();
  const rules = new Set<string>();
  const taken = new Map<RarePath, number>();
  let failovers = 0;
  let worst = { seed: 0, healedIn: 0 };
  for (let seed = first; seed < first + count; seed++) {
    const outcome = simulate({ seed, profile });
    failovers += outcome.failovers;
    for (const rule of outcome.rules) rules.add(rule);
    for (const [path, times] of outcome.rarePaths) taken.set(path, (taken.get(path) ?? 0) + times);
    if (trace) console.log(outcome.lines.join('\n'));
    if (trace) console.log(`trace hash ${traceHash(outcome)}`);
    if (outcome.broken === undefined) {
      if (outcome.healedIn > worst.healedIn) worst = outcome;
      continue;
    }
    if (broken.size === 0 && !trace) tellFailure(outcome);
    const kind = outcome.broken.replaceAll(/\d+/g, 'n').slice(0, 90);
    broken.set(kind, [...(broken.get(kind) ?? []), seed]);
    if (!all) break;
  }
  for (const [kind, seeds] of broken) console.log(`${seeds.length} x ${kind}: seeds ${seeds.slice(0, 8).join(', ')}`);
  const seconds = (performance.now() - started) / 1000;
  const healing = `longest healing ${(worst.healedIn / 1000).toFixed(1)} s (seed ${worst.seed})`;
  const speed = `${(count / seconds).toFixed(0)} seeds and ${(failovers / seconds).toFixed(0)} failovers a second`;
  console.log(
    `${count} seeds from ${first} in ${seconds.toFixed(1)} s (${speed}); ${healing}; ${rules.size} rules decided`,
  );
  const missed = RARE_PATHS.filter((path) => !taken.has(path));
  if (count >= ENOUGH || missed.length === 0)
    for (const path of RARE_PATHS) console.log(`${String(taken.get(path) ?? 0).padStart(8)}  ${path}`);
  const incomplete = count >= ENOUGH && profile === undefined && missed.length > 0;
  if (incomplete) console.log(`never happened: ${missed.join('; ')}`);
  return broken.size === 0 && !incomplete;
};

/** The first failing seed as people read it: the faults that it takes, and the timeline with the rules that decided. */
const tellFailure = (outcome: Outcome): void => {
  const { faults, outcome: small, tries } = shrink(outcome);
  console.log(small.lines.join('\n'));
  console.log(`seed ${outcome.seed} breaks ${outcome.broken}`);
  console.log(`the same with ${faults.length} of its ${outcome.faults.length} faults (${tries} runs to find out):`);
  for (const { kind, at, ...rest } of faults) console.log(`  at ${Math.round(at)} ms ${kind} ${JSON.stringify(rest)}`);
  console.log(`cluster: ${JSON.stringify(outcome.plan)}`);
  console.log(`all of it: npm run sim -- --seed ${outcome.seed} --trace`);
};
