import { z } from 'zod';
import type { Acknowledgement } from '../../core/database.ts';
import { StepError } from '../../core/errors.ts';
import { receiverName } from './receiver-names.ts';

/** What `synchronous_standby_names` is told to say. */
export type Demand =
  /** Nothing is waited for. */
  | { readonly kind: 'none' }
  /** For one that never comes: every commit waits. */
  | { readonly kind: 'nobody' }
  | { readonly kind: 'any'; readonly voters: readonly string[]; readonly acks: number }
  /**
   * The same promise or more, in a form that shows which sender has read it: each voter's `sync_priority` is its place in the list,
   * which `turn` moves, while `ANY` shows 1 for everyone (07-review A8, E2).
   */
  | { readonly kind: 'marked'; readonly voters: readonly string[]; readonly acks: number; readonly turn: number };

export const demandSchema = z.discriminatedUnion('kind', [
  z.object({ kind: z.literal('none') }),
  z.object({ kind: z.literal('nobody') }),
  z.object({ kind: z.literal('any'), voters: z.array(z.string()), acks: z.number().int() }),
  z.object({ kind: z.literal('marked'), voters: z.array(z.string()), acks: z.number().int(), turn: z.number().int() }),
]);

/** How many voters a demand can name. Each turn has a range of places of its own, this wide. */
const MOST_VOTERS = 32;
/** Turns that can be told apart. */
export const TURNS = 4;
const NOBODY = '~nobody';
const MARK = '~';

const marksBefore = (turn: number): number => 1 + (turn % TURNS) * MOST_VOTERS;

/** Receivers' names in the order of the list. Quoted always: `first` and `1` are words of the setting's own language (C4). */
const quotedNames = (voters: readonly string[]): readonly string[] =>
  voters.map((voter) => {
    const name = receiverName(voter);
    if (name === undefined) throw new StepError('refused', `'${voter.slice(0, 100)}' cannot be the name of a voter`);
    return `"${name}"`;
  });

/** The setting's text. Throws `StepError` `refused` for what it cannot say. */
export const standbyNames = (demand: Demand): string => {
  switch (demand.kind) {
    case 'none':
      return '';
    case 'nobody':
      return `ANY 1 ("${NOBODY}")`;
    case 'any':
      return `ANY ${demand.acks} (${quotedNames(demand.voters).join(', ')})`;
    case 'marked': {
      const marks = Array.from({ length: marksBefore(demand.turn) }, () => `"${MARK}"`);
      return `FIRST ${demand.acks} (${[...marks, ...quotedNames(demand.voters)].join(', ')})`;
    }
    default:
      return demand satisfies never;
  }
};

/** The `sync_priority` of a receiver's sender that has read this marked demand; 0 for one that is no voter. */
export const markedPriority = (demand: Extract<Demand, { kind: 'marked' }>, receiver: string): number => {
  const at = demand.voters.findIndex((voter) => receiverName(voter) === receiver.toLowerCase());
  return at < 0 ? 0 : marksBefore(demand.turn) + at + 1;
};

/** The demand for an acknowledgement. Throws `StepError` `refused` for one that no set of voters could ever give. */
export const demandOf = ({ voters, acks }: Acknowledgement): Demand => {
  if (acks === 0) return { kind: 'none' };
  const names = new Set(voters.map((voter) => receiverName(voter)));
  if (!Number.isInteger(acks) || acks < 0 || acks > names.size || voters.length > MOST_VOTERS)
    throw new StepError(
      'refused',
      `${acks} acknowledgements of ${names.size} voters cannot be demanded (at most ${MOST_VOTERS} voters)`,
    );
  return { kind: 'any', voters, acks };
};

/** Whether everything that satisfies `from` also satisfies `to`: then a sender that still goes by `from` breaks no promise of `to`. */
export const satisfies = (from: Acknowledgement, to: Acknowledgement): boolean => {
  const names = new Set(to.voters);
  return to.acks === 0 || (from.acks >= to.acks && from.voters.every((voter) => names.has(voter)));
};

/** What a setting demands, where it has the form that we give it; `undefined` for any other. */
export const parseStandbyNames = (text: string): Acknowledgement | undefined => {
  if (text === '') return { voters: [], acks: 0 };
  const found = /^(?:ANY|FIRST) (\d+) \(("[^"]*"(?:, "[^"]*")*)\)$/.exec(text);
  if (found === null) return undefined;
  const names = (found[2] ?? '').split(', ').map((name) => name.slice(1, -1));
  return { voters: names.filter((name) => name !== MARK), acks: Number(found[1]) };
};
