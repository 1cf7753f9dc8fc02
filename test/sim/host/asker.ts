import { peersToAsk } from '../../../src/core/asking.ts';
import type { MemberName } from '../../../src/core/brand.ts';
import { remaining } from '../../../src/core/instant.ts';
import { known, unknown, type Known } from '../../../src/core/known.ts';
import type { Event, Memory, PeerAnswer } from '../../../src/core/memory.ts';
import { roleOf, stateOf } from '../../../src/core/publish.ts';
import { ownAnswer, takeSnapshot } from '../../../src/core/snapshot.ts';
import type { Host } from './host.ts';
import { simPositions } from '../database/positions.ts';

const PATIENCE = 300;

/** What a neighbour's agent would say now; undefined when nobody answers. */
export interface Neighbours {
  readonly answer: (asking: MemberName, asked: MemberName) => PeerAnswer | undefined;
  /** Its host answers, and nothing runs on it. */
  readonly refuses: (asking: MemberName, asked: MemberName) => boolean;
  /** How long question and answer take together. */
  readonly way: () => number;
}

/** The answer of a living agent, from its memory with the time of the question in it. */
export const answerOf = (m: Memory): PeerAnswer => {
  const running = ownAnswer(takeSnapshot(m, simPositions));
  if (running !== undefined) return running;
  return {
    name: m.self.name,
    instance: m.instance,
    state: stateOf(m),
    role: roleOf(m),
    position: undefined,
    applied: undefined,
    leads: m.reign !== undefined,
    holdsRight: m.reign?.deadline !== undefined && remaining(m.reign.deadline, m.now) > 0,
    eligible: false,
  };
};

/** What src/agent/peer-asker.ts does. */
export const createAsker = (deps: {
  readonly host: Host;
  readonly memory: () => Memory;
  readonly neighbours: Neighbours;
  readonly later: (delay: number, what: () => void) => () => void;
  readonly inProcess: (what: () => void) => void;
  readonly post: (event: Event) => void;
}): (() => void) => {
  const { host, neighbours } = deps;
  return () => {
    const m = deps.memory();
    const asked = peersToAsk(m);
    const at = host.now();
    const answers = new Map<MemberName, Known<PeerAnswer>>();
    const refused = new Set(asked.filter((name) => neighbours.refuses(host.name, name)));
    const complete = (): void => deps.post({ kind: 'peers', round: { at, answers, refused } });
    let missing = asked.length;
    if (missing === 0) {
      deps.later(0, complete);
      return;
    }
    for (const name of asked) {
      const told = neighbours.answer(host.name, name);
      deps.later(told === undefined ? PATIENCE : neighbours.way(), () => {
        answers.set(name, told === undefined ? unknown('no answer within 300 ms') : known(told));
        missing -= 1;
        if (missing === 0) complete();
      });
    }
  };
};
