import type { World } from '../world.ts';

/** One host's way to etcd, with what can go wrong on it. */
export interface LinkFaults {
  readonly up: boolean;
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
}

export const GOOD_LINK: LinkFaults = { up: true, lostRequest: 0, lostReply: 0, late: 0, delay: 4, slowAnswer: 0 };

export interface Link {
  set(faults: Partial<LinkFaults>): void;
  faults(): LinkFaults;
  /** Executes `work` at etcd and hands its result to `answered`, or calls `gaveUp` after `timeout`: exactly one of the two. */
  request<T>(order: {
    readonly work: () => T;
    readonly timeout: number;
    readonly answered: (result: T) => void;
    readonly gaveUp: () => void;
  }): void;
}

const LATEST = 6_000;

export const createLink = (world: World): Link => {
  let faults = GOOD_LINK;
  return {
    set: (changed) => {
      faults = { ...faults, ...changed };
    },
    faults: () => faults,
    request: ({ work, timeout, answered, gaveUp }) => {
      const cancel = world.at(timeout, gaveUp);
      const lost = !faults.up || world.chance(faults.lostRequest);
      if (lost) {
        if (world.chance(faults.late)) world.at(world.between(timeout / 2, LATEST), () => void work());
        return;
      }
      world.at(world.between(0.5, faults.delay), () => {
        const result = work();
        if (!faults.up || world.chance(faults.lostReply)) return;
        const way = faults.slowAnswer + world.between(0.5, faults.delay);
        world.at(way, () => {
          cancel();
          answered(result);
        });
      });
    },
  };
};
