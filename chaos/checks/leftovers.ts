import type { Slot } from '../engines/engine.ts';

/** What runs for a member, and what its database keeps for others, when everything is said to be well again. */
export interface MemberFacts {
  readonly name: string;
  readonly primary: boolean;
  readonly agents: number;
  readonly guards: number;
  readonly postmasters: number;
  /** Programs that copy the data of another member. */
  readonly copying: number;
  /** Absent where the engine knows none. */
  readonly slots: readonly Slot[] | undefined;
}

const programsOf = ({ name, agents, guards, postmasters, copying }: MemberFacts): readonly string[] =>
  (
    [
      ['agent', agents, 1],
      ['guard', guards, 1],
      ['database server', postmasters, 1],
      ['copy under way', copying, 0],
    ] as const
  )
    .filter(([, found, wanted]) => found !== wanted)
    .map(([what, found, wanted]) => `${name} has ${found} of: ${what} (wanted: ${wanted})`);

const slotsOf = ({ name, primary, slots }: MemberFacts, members: number): readonly string[] => {
  if (slots === undefined) return [];
  const lost = slots
    .filter((slot) => slot.lost)
    .map((slot) => `${name} keeps the slot ${slot.name}, whose log is gone`);
  if (!primary) return lost;
  const idle = slots.filter((slot) => !slot.active && !slot.lost);
  const active = slots.filter((slot) => slot.active).length;
  return [
    ...lost,
    ...idle.map((slot) => `${name} keeps log for nobody: the slot ${slot.name} is not used`),
    ...(active === members - 1 ? [] : [`${name} has ${active} slots in use for ${members - 1} replicas`]),
  ];
};

/** What faults have left behind although all members stream again (invariants I15, I17), as sentences. */
export const findLeftovers = (members: readonly MemberFacts[]): readonly string[] =>
  members.flatMap((member) => [...programsOf(member), ...slotsOf(member, members.length)]);
