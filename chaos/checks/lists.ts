/**
 * Transactions that append to lists and read them: the order of everything that happened to a list can be read off the
 * list itself, so that anomalies show (the method of Elle, by Kingsbury and Alvaro; written anew).
 */
export interface ListTransaction {
  readonly id: number;
  /** `ok`: committed. `fail`: surely not. `info`: nobody knows. */
  readonly outcome: 'ok' | 'fail' | 'info';
  readonly steps: readonly ListStep[];
}

/** Appended values are given once in the whole history. */
export type ListStep =
  | { readonly kind: 'append'; readonly list: number; readonly value: number }
  | { readonly kind: 'read'; readonly list: number; readonly values: readonly number[] };

export interface Anomaly {
  readonly kind: 'duplicate' | 'aborted read' | 'intermediate read' | 'incompatible orders' | 'G0' | 'G1c' | 'G2';
  readonly what: string;
}

type EdgeKind = 'ww' | 'wr' | 'rw';
type Graph = ReadonlyMap<number, ReadonlyMap<number, ReadonlySet<EdgeKind>>>;

interface Reading {
  readonly by: number;
  readonly list: number;
  readonly values: readonly number[];
}

const readsOf = (history: readonly ListTransaction[]): readonly Reading[] =>
  history
    .filter(({ outcome }) => outcome === 'ok')
    .flatMap(({ id, steps }) =>
      steps.flatMap((step) => (step.kind === 'read' ? [{ by: id, list: step.list, values: step.values }] : [])),
    );

const isPrefix = (short: readonly number[], long: readonly number[]): boolean =>
  short.every((value, place) => long[place] === value);

/** The order of all values of each list: what its longest reading shows. */
const ordersOf = (reads: readonly Reading[]): ReadonlyMap<number, readonly number[]> => {
  const longest = new Map<number, readonly number[]>();
  for (const { list, values } of reads)
    if (values.length > (longest.get(list)?.length ?? -1)) longest.set(list, values);
  return longest;
};

interface Writer {
  readonly by: ListTransaction;
  /** The transaction appended to the same list again afterwards. */
  readonly intermediate: boolean;
}

const writersOf = (history: readonly ListTransaction[]): ReadonlyMap<number, Writer> => {
  const writers = new Map<number, Writer>();
  for (const by of history)
    by.steps.forEach((step, place) => {
      if (step.kind !== 'append') return;
      const later = by.steps.slice(place + 1);
      const intermediate = later.some((next) => next.kind === 'append' && next.list === step.list);
      writers.set(step.value, { by, intermediate });
    });
  return writers;
};

const findBadReads = (
  reads: readonly Reading[],
  orders: ReadonlyMap<number, readonly number[]>,
  writers: ReadonlyMap<number, Writer>,
): readonly Anomaly[] =>
  reads.flatMap(({ by, list, values }): readonly Anomaly[] => {
    const at = `transaction ${by} read of list ${list}: ${values.join(' ')}`;
    const order = orders.get(list) ?? [];
    const aborted = values.filter((value) => writers.get(value)?.by.outcome === 'fail');
    const last = values.at(-1);
    const writer = last === undefined ? undefined : writers.get(last);
    const intermediate = writer?.intermediate === true && writer.by.id !== by;
    return [
      ...(new Set(values).size < values.length ? [{ kind: 'duplicate', what: at } as const] : []),
      ...(aborted.length > 0
        ? [{ kind: 'aborted read', what: `${at}; ${aborted.join(' ')} was not committed` } as const]
        : []),
      ...(intermediate ? [{ kind: 'intermediate read', what: at } as const] : []),
      ...(isPrefix(values, order)
        ? []
        : [{ kind: 'incompatible orders', what: `${at}; another read ${order.join(' ')}` } as const]),
    ];
  });

/** Who must have come before whom: writers in a list's order, readers behind what they saw and before what they did not. */
const graphOf = (
  reads: readonly Reading[],
  orders: ReadonlyMap<number, readonly number[]>,
  writers: ReadonlyMap<number, Writer>,
): Graph => {
  const graph = new Map<number, Map<number, Set<EdgeKind>>>();
  const add = (from: number | undefined, to: number | undefined, kind: EdgeKind): void => {
    if (from === undefined || to === undefined || from === to) return;
    const targets = graph.get(from) ?? new Map<number, Set<EdgeKind>>();
    graph.set(from, targets.set(to, (targets.get(to) ?? new Set()).add(kind)));
  };
  const writerOf = (value: number | undefined): number | undefined =>
    value === undefined ? undefined : writers.get(value)?.by.id;
  for (const order of orders.values())
    order.forEach((value, place) => add(writerOf(order[place - 1]), writerOf(value), 'ww'));
  for (const { by, list, values } of reads) {
    add(writerOf(values.at(-1)), by, 'wr');
    const order = orders.get(list) ?? [];
    if (isPrefix(values, order)) add(by, writerOf(order[values.length]), 'rw');
  }
  return graph;
};

/** Groups of transactions each of which must come before all the others: cycles (Tarjan's algorithm, without recursion). */
const cyclesOf = (graph: Graph, kinds: ReadonlySet<EdgeKind>): readonly (readonly number[])[] => {
  const next = (node: number): readonly number[] =>
    [...(graph.get(node) ?? [])].filter(([, found]) => [...found].some((kind) => kinds.has(kind))).map(([to]) => to);
  const index = new Map<number, number>();
  const low = new Map<number, number>();
  const stack: number[] = [];
  const onStack = new Set<number>();
  const groups: number[][] = [];
  const lower = (node: number, value: number): void => {
    low.set(node, Math.min(low.get(node) ?? value, value));
  };
  const enter = (node: number): { readonly node: number; readonly rest: number[] } => {
    index.set(node, index.size);
    low.set(node, index.size - 1);
    stack.push(node);
    onStack.add(node);
    return { node, rest: [...next(node)] };
  };
  for (const start of graph.keys()) {
    if (index.has(start)) continue;
    const path = [enter(start)];
    for (let frame = path.at(-1); frame !== undefined; frame = path.at(-1)) {
      const to = frame.rest.pop();
      if (to !== undefined) {
        if (!index.has(to)) path.push(enter(to));
        else if (onStack.has(to)) lower(frame.node, index.get(to) ?? 0);
        continue;
      }
      path.pop();
      const parent = path.at(-1);
      if (parent !== undefined) lower(parent.node, low.get(frame.node) ?? 0);
      if (low.get(frame.node) !== index.get(frame.node)) continue;
      const group = stack.splice(stack.lastIndexOf(frame.node));
      for (const node of group) onStack.delete(node);
      if (group.length > 1) groups.push(group);
    }
  }
  return groups;
};

/** Everything in a history that a serializable database would never show. */
export const findAnomalies = (history: readonly ListTransaction[]): readonly Anomaly[] => {
  const reads = readsOf(history);
  const orders = ordersOf(reads);
  const writers = writersOf(history);
  const graph = graphOf(reads, orders, writers);
  const cycles = (kind: 'G0' | 'G1c' | 'G2', edges: readonly EdgeKind[]): readonly Anomaly[] =>
    cyclesOf(graph, new Set(edges)).map((group) => ({ kind, what: `transactions ${group.join(', ')} form a cycle` }));
  const worst = [cycles('G0', ['ww']), cycles('G1c', ['ww', 'wr']), cycles('G2', ['ww', 'wr', 'rw'])];
  return [...findBadReads(reads, orders, writers), ...(worst.find((found) => found.length > 0) ?? [])];
};

/**
 * What is left of a history when a failover has lost the end of it, as asynchronous replication may: without the
 * transactions that appended or saw something that is missing in the lists as they are now.
 */
export const withoutLost = (
  history: readonly ListTransaction[],
  now: ReadonlyMap<number, readonly number[]>,
): readonly ListTransaction[] => {
  const present = new Set([...now.values()].flat());
  const isWhole = ({ outcome, steps }: ListTransaction): boolean =>
    outcome !== 'ok' ||
    steps.every((step) =>
      step.kind === 'append' ? present.has(step.value) : step.values.every((value) => present.has(value)),
    );
  return history.filter(isWhole);
};
