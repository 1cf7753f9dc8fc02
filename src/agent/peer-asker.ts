import { peersToAsk } from '../core/asking.ts';
import { ms } from '../core/brand.ts';
import type { Event, Memory } from '../core/memory.ts';
import { binds } from '../core/quorum/promise.ts';
import type { Clock } from '../ports/clock.ts';
import type { Peers } from '../ports/peers.ts';

/** How long the peers may take: a dead host must not hold an election up (02 "Losing the leader"). */
const PATIENCE = ms(300);

/** Asks the other members' agents when the core wants it, and tells it their answers. */
export const createPeerAsker =
  (deps: {
    readonly peers: Peers;
    readonly clock: Clock;
    readonly signal: AbortSignal;
    readonly memory: () => Memory;
    readonly post: (event: Event) => void;
  }): (() => Promise<void>) =>
  async () => {
    const m = deps.memory();
    const others = [...(m.view?.members.values() ?? [])]
      .map(({ value }) => value)
      .filter((r) => r.name !== m.self.name);
    const wanted = peersToAsk(m);
    const asked = others.filter((r) => wanted.includes(r.name));
    const at = deps.clock.now();
    const call = { timeout: PATIENCE, signal: deps.signal };
    // Where writes are promised, a leader's host that refuses everything is evidence of its own.
    const suspected = binds(m.view) ? others.filter((r) => r.name === m.view?.history?.value.member) : [];
    const [answers, refused] = await Promise.all([
      deps.peers.ask(
        asked.map((r) => ({ name: r.name, url: r.apiUrl })),
        call,
      ),
      deps.peers.refusals(
        suspected.map(({ name, apiUrl, host, port }) => ({ name, url: apiUrl, host, port })),
        call,
      ),
    ]);
    deps.post({ kind: 'peers', round: { at, answers, refused } });
  };
