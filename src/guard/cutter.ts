import { ms } from '../core/brand.ts';
import { after, remaining } from '../core/instant.ts';
import type { Clock } from '../ports/clock.ts';
import type { ProcessId } from '../ports/processes.ts';
import type { PortCut } from './port-cut.ts';

/** A guard that begins has more urgent things to do than to look for what an earlier one left. */
const LOOK_FOR_LEFTOVERS = ms(3_000);
/** What did not succeed is tried again after this long: the host has little to spare now. */
const RETRY = ms(2_000);

/** When the guard keeps clients away: once a fence takes too long, until what could not be killed is gone. */
export interface Cutter {
  /** A fence begins; the result is told how it ended. */
  fencing(): (fenced: boolean) => void;
  /** Called now and then. */
  look(): void;
  /** What is cut off, as a sentence; undefined while nothing is. */
  state(): string | undefined;
}

export const createCutter = (deps: {
  readonly clock: Clock;
  readonly port: number;
  readonly cut: PortCut;
  /** How long a fence may take before clients are kept away, in milliseconds. */
  readonly patience: number;
  /** What runs in the data directory. */
  readonly tree: () => readonly ProcessId[];
  readonly alive: (id: ProcessId) => boolean;
  readonly log: (event: string, fields: Readonly<Record<string, unknown>>) => void;
}): Cutter => {
  const { clock, port, cut, log } = deps;
  let sentence: string | undefined;
  let held: readonly ProcessId[] = [];
  let complaint: string | undefined;
  let wait = deps.clock.now();
  /** Rules stay; connections that were ended may be made anew. */
  let standing = false;
  let working: Promise<void> = Promise.resolve();
  /** One after another: what is cut now and given back at once must end given back. */
  const next = (work: () => Promise<void>): void => {
    working = working.then(work).catch((error: unknown) => log('guard.port_failed', { port, error: String(error) }));
  };

  const complain = (event: string, why: string): void => {
    if (complaint !== why) log(event, { port, why });
    complaint = why;
  };

  const begin = async (): Promise<void> => {
    held = deps.tree();
    if (held.length === 0 || standing || remaining(wait, clock.now()) > 0) return;
    wait = after(clock.now(), RETRY);
    const outcome = await cut.cut();
    if (!outcome.cut) return complain('guard.port_not_cut', outcome.why);
    const { how, problem } = outcome;
    standing = problem === undefined;
    if (sentence === undefined) log('guard.port_cut', { port, how, problem, stuck: held.map(({ pid }) => pid) });
    sentence = `clients are kept away from port ${port}: ${how}${problem === undefined ? '' : `; ${problem}`}`;
  };

  const end = async (): Promise<void> => {
    if (sentence === undefined) return;
    const problem = await cut.restore();
    // Without nftables there were no rules, and connections that were ended need no restoring.
    if (problem !== undefined && (await cut.isCut())) return complain('guard.port_still_cut', problem);
    log('guard.port_restored', { port });
    sentence = complaint = undefined;
    standing = false;
    wait = clock.now();
  };

  clock.timer(
    LOOK_FOR_LEFTOVERS,
    () =>
      next(async () => {
        if (sentence !== undefined || !(await cut.isCut())) return;
        held = deps.tree();
        standing = true;
        sentence = `clients are kept away from port ${port} by rules of an earlier guard`;
        log('guard.port_found_cut', { port });
      }),
    { unref: true },
  );

  return {
    state: () => sentence,
    fencing: () => {
      let begun = false;
      const start = (): void => {
        begun = true;
        next(begin);
      };
      const cancel = clock.timer(ms(deps.patience), start);
      return (fenced) => {
        cancel();
        if (fenced) next(end);
        else if (!begun) start();
      };
    },
    look: () => {
      if (sentence !== undefined && held.every((id) => !deps.alive(id))) next(end);
    },
  };
};
