import type { ContainerHost } from './host.ts';

/** Lost packets between hosts by name. */
export interface Partition {
  cut(from: readonly string[], to: readonly string[]): Promise<void>;
  heal(): Promise<void>;
}

/** The name of the hosts that clients are: HAProxy, and this machine with the writers. */
const CLIENTS = 'clients';
export const PROXY_HOST = 'proxy';
const WRITERS = 'writers';

/**
 * Keeps the cuts that are in force. A cut is made where the packets arrive, so that the sender learns nothing; this
 * machine has no filter, so what must not reach the writers is dropped where it leaves.
 */
export const createPartition = (hosts: () => readonly ContainerHost[], writersAddress: string): Partition => {
  const cuts = new Set<string>();
  const addressOf = (name: string): string => {
    if (name === WRITERS) return writersAddress;
    const host = hosts().find((candidate) => candidate.name === name);
    if (host === undefined)
      throw new Error(
        `the lab has no host "${name}" to cut off, only ${[...hosts().map((known) => known.name), WRITERS].join(', ')} and ${CLIENTS}`,
      );
    return host.address;
  };
  const hasProxy = (): boolean => hosts().some(({ name }) => name === PROXY_HOST);
  const clients = (): readonly string[] => (hasProxy() ? [PROXY_HOST, WRITERS] : [WRITERS]);
  const expand = (names: readonly string[]): readonly string[] => {
    const expanded = names.flatMap((name) => (name === CLIENTS ? clients() : [name]));
    for (const name of expanded) addressOf(name); // an unknown one changes nothing
    return expanded;
  };
  const pairs = (): readonly (readonly [string, string])[] =>
    [...cuts].map((pair) => {
      const [from = '', to = ''] = pair.split(' ');
      return [from, to];
    });
  const applyAll = async (): Promise<void> => {
    await Promise.all(
      hosts().map((host) =>
        host.filter({
          notFrom: pairs().flatMap(([from, to]) => (to === host.name ? [addressOf(from)] : [])),
          notTo: pairs().flatMap(([from, to]) => (from === host.name && to === WRITERS ? [writersAddress] : [])),
        }),
      ),
    );
  };
  return {
    cut: async (from, to) => {
      const senders = expand(from);
      const receivers = expand(to);
      for (const sender of senders)
        for (const receiver of receivers) if (sender !== receiver) cuts.add(`${sender} ${receiver}`);
      await applyAll();
    },
    heal: async () => {
      cuts.clear();
      await applyAll();
    },
  };
};
