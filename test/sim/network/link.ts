import type { World } from '../world.ts';

/** One host's way to etcd, with what can go wrong on it, in each direction by itself. */
export interface LinkFaults {
  /** `refused`: nothing is sent, surely. `requests`, `replies`, `both`: whatever goes that way vanishes. */
  readonly cut: 'none' | 'refused' | 'requests' | 'replies' | 'both';
  /** Chance that a request is lost. */
  readonly lostRequest: number;
  /** Chance that an answer is lost, though the request was executed. */
  readonly lostReply: number;
  /** Chance that a lost request is executed after all, after its caller has given up. */
  readonly late: number;
  /** Longest way of a message, in milliseconds. */
  readonly delay: number;
  /** An answer takes at least this long, in milliseconds. */
  readonly slowAnswer: number;
  /** Longest time from a commit to the watch's hint. */
  readonly watchDelay: number;
  /** Chance that a watch never tells of a commit: it is a hint, not a promise. */
  readonly lostHint: number;
}

export const GOOD_LINK: LinkFaults = {
  cut: 'none',
  lostRequest: 0,
  lostReply: 0,
  late: 0,
  delay: 4,
  slowAnswer: 0,
  watchDelay: 4,
  lostHint: 0,
};

/** One request on its way. */
export interface Order<T> {
  /** What is executed, in one step, at etcd. */
  readonly work: () => T;
  readonly timeout: number;
  readonly answered: (result: T) => void;
  /** No answer came. `surelyNot`: it was not executed and never will be. */
  readonly gaveUp: (surelyNot: boolean) => void;
}

export interface Link {
  set(faults: Partial<LinkFaults>): void;
  healthy(): boolean;
  /** Calls exactly one of `answered` and `gaveUp`. */
  request<T>(order: Order<T>): void;
  /** Hands a watch's hint on, or loses it. */
  hint(tell: () => void): void;
}

/** Holds a request until etcd has a leader; one whose caller has given up may be dropped there, or executed all the same. */
export type Admit = (request: { readonly abandoned: () => boolean; readonly run: () => void }) => void;

const LATEST = 6_000;
const REFUSED_AFTER = 5;

export const createLink = (world: World, admit: Admit): Link => {
  let faults = GOOD_LINK;
  const hits = (chance: number): boolean => chance > 0 && world.chance(chance);
  const goes = (way: 'requests' | 'replies'): boolean => faults.cut !== way && faults.cut !== 'both';

  return {
    set: (changed) => {
      faults = changed === GOOD_LINK ? GOOD_LINK : { ...faults, ...changed };
    },
    healthy: () => faults === GOOD_LINK,
    hint: (tell) => {
      if (faults.cut === 'refused' || !goes('replies') || hits(faults.lostHint)) return;
      world.at(world.between(0.5, faults.watchDelay), tell);
    },
    request: ({ work, timeout, answered, gaveUp }) => {
      if (faults.cut === 'refused') {
        world.at(REFUSED_AFTER, () => gaveUp(true));
        return;
      }
      let ended = false;
      const cancel = world.at(timeout, () => {
        ended = true;
        gaveUp(false);
      });
      const execute = (): void => {
        const result = work();
        if (ended) return world.sometimes('a request was executed after its caller had given up');
        if (!goes('replies') || hits(faults.lostReply)) return world.sometimes('an answer was lost');
        world.at(faults.slowAnswer + world.between(0.5, faults.delay), () => {
          if (ended) return;
          cancel();
          answered(result);
        });
      };
      const arrive = (): void => admit({ abandoned: () => ended, run: execute });
      if (goes('requests') && !hits(faults.lostRequest)) world.at(world.between(0.5, faults.delay), arrive);
      else if (hits(faults.late)) world.at(world.between(timeout / 2, LATEST), arrive);
    },
  };
};
