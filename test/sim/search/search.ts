import { Violation } from '../checks/violation.ts';
import { nameOfState } from './canonical.ts';
import { checkState, isGoal } from './judge.ts';
import { movesOf, settledCluster, type Scope } from './moves.ts';
import { freshState, streams, type State } from './state.ts';

/** What a search found. */
export interface Found {
  readonly states: number;
  readonly depth: number;
  /** Every state within the scope was looked at; else `waiting` were not, all of them at `depth`. */
  readonly finished: boolean;
  readonly waiting: number;
  readonly broken: { readonly why: string; readonly path: readonly string[] } | undefined;
  /** States from which no primary can be reached again without a fault. */
  readonly stuck: number;
  readonly stuckPath: readonly string[];
  /** States judged only up to where the scope ends: there a member wants to begin one term more. */
  readonly horizon: number;
  readonly seconds: number;
}

interface Node {
  readonly parent: number;
  readonly move: string;
  readonly depth: number;
  readonly goal: boolean;
  readonly horizon: boolean;
  /** Where moves that are not faults lead. */
  next: readonly number[];
  state: State | undefined;
}

/** Breadth first, so that what is found is shortest. Stops at `most` states, or after `seconds`. */
export const search = (scope: Scope, { most, seconds }: { readonly most: number; readonly seconds: number }): Found => {
  const begun = performance.now();
  const elapsed = (): number => (performance.now() - begun) / 1000;
  const first = settledCluster(freshState(scope.members), scope, isSettled);
  const nodes: Node[] = [];
  const ids = new Map<string, number>();
  const enter = (state: State, parent: number, move: string): number => {
    const name = nameOfState(state);
    const there = ids.get(name);
    if (there !== undefined) return there;
    const id = nodes.length;
    ids.set(name, id);
    const depth = parent < 0 ? 0 : nodes[parent]!.depth + 1;
    nodes.push({ parent, move, depth, goal: isGoal(state), horizon: wantsMore(state, scope), next: [], state });
    checkState(state);
    return id;
  };
  const pathTo = (id: number, last?: string): readonly string[] => {
    const path = last === undefined ? [] : [last];
    for (let at = id; at > 0; at = nodes[at]!.parent) path.unshift(nodes[at]!.move);
    return path;
  };
  let broken: Found['broken'];
  let at = 0;
  enter(first, -1, '');
  for (; at < nodes.length && nodes.length < most && elapsed() < seconds; at++) {
    const node = nodes[at]!;
    const next: number[] = [];
    for (const move of movesOf(node.state!, scope)) {
      try {
        const id = enter(move.to(), at, move.name);
        if (!move.fault) next.push(id);
      } catch (error) {
        if (!(error instanceof Violation)) throw error;
        broken = { why: error.message, path: pathTo(at, move.name) };
        break;
      }
    }
    node.next = next;
    node.state = undefined;
    if (broken !== undefined) break;
  }
  const stuck = broken === undefined ? stuckNodes(nodes, at) : [];
  return {
    states: nodes.length,
    depth: nodes.at(-1)!.depth,
    finished: at >= nodes.length,
    waiting: nodes.length - at,
    broken,
    stuck: stuck.length,
    stuckPath: stuck[0] === undefined ? [] : pathTo(stuck[0]),
    horizon: nodes.filter(({ horizon }) => horizon).length,
    seconds: elapsed(),
  };
};

/** From every state a primary can be reached again (AG EF), by going back from all goals and from where the search ends. */
const stuckNodes = (nodes: readonly Node[], expanded: number): readonly number[] => {
  const before: number[][] = nodes.map(() => []);
  nodes.forEach(({ next }, id) => next.forEach((to) => before[to]!.push(id)));
  const good = nodes.map(({ goal, horizon }, id) => goal || horizon || id >= expanded);
  const open = good.flatMap((is, id) => (is ? [id] : []));
  for (let id = open.pop(); id !== undefined; id = open.pop())
    for (const from of before[id]!)
      if (!good[from]!) {
        good[from] = true;
        open.push(from);
      }
  return good.flatMap((is, id) => (is ? [] : [id]));
};

const wantsMore = ({ terms, machines }: State, scope: Scope): boolean =>
  terms >= scope.terms &&
  machines.some(({ flights }) =>
    flights.some(({ transaction }) => transaction.writes.some(({ key }) => key.kind === 'leader')),
  );

const isSettled = (state: State): boolean =>
  isGoal(state) &&
  state.machines.every((m) => m.data.role === 'primary' || streams(state, m)) &&
  state.machines.every((m) => m.flights.length === 0 && m.task === undefined);
