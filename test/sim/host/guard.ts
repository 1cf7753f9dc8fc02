import type { Ms, Term } from '../../../src/core/brand.ts';
import { remaining, type Instant } from '../../../src/core/instant.ts';
import { initialModel, pollInterval, step, type GuardModel, type Input, type Order } from '../../../src/guard/state.ts';
import type { World } from '../world.ts';

/** The guard of one host: the real state machine, a model of its process, its file and its fence. */
export interface SimGuard {
  arm(term: Term, deadline: Instant, fenceBudget: Ms): void;
  disarm(term: Term): void;
  standDown(term: Term): void;
  state(): { readonly alive: boolean; readonly term: Term | undefined; readonly deadline: Instant | undefined };
  /** The process dies; it is back within a second and knows what it had saved. */
  kill(): void;
  /** What happens to a stopped process: nothing, until it goes on. */
  freeze(): void;
  thaw(): void;
  /** The host is gone with everything; `start` begins anew, without a deadline. */
  powerOff(): void;
  start(): void;
}

const TOKEN = 'token';
const RESTART: readonly [number, number] = [100, 900];
const FENCE: readonly [number, number] = [5, 150];

export const createGuard = (deps: {
  readonly world: World;
  readonly name: string;
  readonly now: () => Instant;
  readonly look: () => 'none' | 'replica' | 'primary';
  /** A fence begins. */
  readonly begins: () => void;
  /** Kills everything; false when something is left. */
  readonly fence: () => boolean;
  readonly told: () => void;
}): SimGuard => {
  const { world, name } = deps;
  let frozen = false;
  let deferred: (() => void)[] = [];
  let model: GuardModel | undefined;
  let saved: Parameters<typeof initialModel>[1];
  let life = 0;
  let cancel = (): void => {};

  /** Runs in this process: now, or when it goes on. */
  const inProcess = (what: () => void): void => {
    if (frozen) deferred.push(what);
    else what();
  };
  const later = (delay: number, what: () => void): (() => void) => world.at(delay, () => inProcess(what));
  const feed = (input: Input): void => {
    if (model === undefined) return;
    if (
      model.phase === 'fenced' &&
      input.kind === 'tick' &&
      (input.database === 'primary' || input.database === 'replica')
    )
      world.sometimes('the guard killed what appeared after its fence');
    const next = step(model, input);
    model = next.model;
    for (const action of next.actions) {
      if (action.kind === 'fence') beginFence();
      if (action.kind === 'save')
        saved = { newest: model.newest, armed: model.armed, stoodDown: model.phase === 'stood-down' };
      if (action.kind === 'refuse') {
        world.note(name, `guard refuses: ${action.why}`);
      }
    }
    schedule();
  };
  const beginFence = (): void => {
    world.note(name, `GUARD FENCES (term ${model?.armed?.term ?? '-'})`);
    deps.begins();
    const mine = life;
    later(world.between(...FENCE), () => {
      if (mine !== life) return;
      const fenced = deps.fence();
      feed({ kind: 'fence-ended', fenced });
      deps.told();
    });
  };
  const schedule = (): void => {
    cancel();
    if (model === undefined) return;
    const { armed, phase } = model;
    // Looks that would change nothing are left out: an armed guard acts by its deadline alone, at its next look after it.
    if (phase === 'stood-down' || phase === 'fencing') return;
    const poll = pollInterval(model);
    const waits =
      phase === 'watching' && armed !== undefined
        ? Math.max(1, remaining(armed.deadline, deps.now()) - armed.fenceBudget) + world.between(0, poll)
        : poll;
    cancel = later(waits, beat);
  };
  const beat = (): void => feed({ kind: 'tick', now: deps.now(), database: deps.look() });
  const order = (what: Order): void => inProcess(() => feed({ kind: 'order', now: deps.now(), order: what }));

  return {
    arm: (term, deadline, fenceBudget) => {
      order({ kind: 'arm', token: TOKEN, term, deadline, fenceBudget });
    },
    standDown: (term) => order({ kind: 'stand-down', token: TOKEN, term }),
    disarm: (term) => order({ kind: 'disarm', token: TOKEN, term }),
    state: () => {
      const armed = model?.armed;
      return { alive: model !== undefined, term: armed?.term, deadline: armed?.deadline };
    },
    kill: () => {
      if (model === undefined) return;
      model = undefined;
      life += 1;
      cancel();
      deps.told();
      const mine = life;
      frozen = false;
      deferred = [];
      world.at(world.between(...RESTART), () => {
        if (mine !== life) return;
        model = initialModel(TOKEN, saved);
        beat();
        deps.told();
      });
    },
    freeze: () => {
      frozen = true;
    },
    thaw: () => {
      frozen = false;
      const waiting = deferred;
      deferred = [];
      // After a pause it reads the clocks before anything else.
      if (model !== undefined) beat();
      for (const what of waiting) inProcess(what);
    },
    powerOff: () => {
      life += 1;
      frozen = false;
      deferred = [];
      model = undefined;
      saved = undefined;
      cancel();
    },
    start: () => {
      life += 1;
      model = initialModel(TOKEN, saved);
      beat();
    },
  };
};
