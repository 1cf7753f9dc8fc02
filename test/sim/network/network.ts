import type { MemberName } from '../../../src/core/brand.ts';

/** What gets from host to host: agents' questions and the databases' streams. Each direction is cut by itself. */
export interface Network {
  /** Packets from `from` arrive at `to`. */
  passes(from: MemberName, to: MemberName): boolean;
  /** Question and answer, or a stream and its acknowledgements: both ways are open. */
  connected(a: MemberName, b: MemberName): boolean;
  cut(from: MemberName, to: MemberName): void;
  mend(from: MemberName, to: MemberName): void;
  mendAll(): void;
}

export const createNetwork = (): Network => {
  const gone = new Map<MemberName, Set<MemberName>>();
  const passes = (from: MemberName, to: MemberName): boolean => gone.size === 0 || gone.get(from)?.has(to) !== true;
  return {
    passes,
    connected: (a, b) => passes(a, b) && passes(b, a),
    cut: (from, to) => {
      gone.set(from, (gone.get(from) ?? new Set()).add(to));
    },
    mend: (from, to) => void gone.get(from)?.delete(to),
    mendAll: () => gone.clear(),
  };
};
