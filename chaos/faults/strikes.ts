import { signalProc, type Proc } from '../lab/proc.ts';
import type { Fault, Scene } from './fault.ts';
import { states, type State, type StateName } from './states.ts';

/** Who is struck, and how: SIGKILL, or SIGSTOP for longer than the ttl. */
export const victims = ['agent', 'guard', 'database'] as const;
export const blows = ['kill', 'freeze'] as const;
export type Victim = (typeof victims)[number];
export type Blow = (typeof blows)[number];

/** One cell of the table of states, victims and blows: `promotion/agent-kill`. */
export type StrikeName = `${StateName}/${Victim}-${Blow}`;

const SIGNALS: Readonly<Record<Blow, NodeJS.Signals>> = { kill: 'SIGKILL', freeze: 'SIGSTOP' };

/** The fault that strikes one part of a member while it is in a state. */
export const strikeIn = (state: State, victim: Victim, blow: Blow): Fault => ({
  sentence: () => `${SIGNALS[blow]} of the ${victim} of ${state.sentence}`,
  hits: 'anything',
  needs: state.needs,
  primary: 'may move',
  outage: { ttls: 4, ms: 10_000 },
  toleratedOverlapMs: 0,
  ...(blow === 'freeze' ? { lasts: { ttls: 2, ms: 0 } } : {}),
  settles: { ttls: 1, ms: 30_000 },
  inflict: async (scene: Scene) => {
    const { lab, progress } = scene;
    const { member, database, undo } = await state.enter(scene);
    const struck: readonly Proc[] = victim === 'database' ? database : lab.processes(member, victim);
    const hit = struck.filter((proc) => signalProc(proc, SIGNALS[blow]));
    progress(`${SIGNALS[blow]} to ${hit.length} of ${struck.length} processes of the ${victim} of ${member}`);
    return async () => {
      if (blow === 'freeze') for (const proc of hit) signalProc(proc, 'SIGCONT');
      await undo();
    };
  },
});

const isStateName = (name: string): name is StateName => Object.hasOwn(states, name);

/** The whole table, state by state. */
export const strikeNames: readonly StrikeName[] = Object.keys(states)
  .filter(isStateName)
  .flatMap((state) => victims.flatMap((victim) => blows.map((blow): StrikeName => `${state}/${victim}-${blow}`)));

/** The strike of that name; undefined when there is none. */
export const findStrike = (name: string): Fault | undefined => {
  const [state = '', rest = ''] = name.split('/');
  const [victim, blow] = rest.split('-');
  const struck = victims.find((each) => each === victim);
  const how = blows.find((each) => each === blow);
  return isStateName(state) && struck !== undefined && how !== undefined
    ? strikeIn(states[state], struck, how)
    : undefined;
};
