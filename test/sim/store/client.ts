import type { Clock } from '../../../src/ports/clock.ts';
import type { Call, ConsensusStore, Outcome, StoreError } from '../../../src/ports/consensus.ts';
import type { ClientFaults } from './faults.ts';
import type { Leases } from './leases.ts';
import { runRoundTrip, type RoundTripDeps } from './round-trip.ts';
import type { Commit, EtcdServer } from './server.ts';
import { createModelWatch, type ModelWatch } from './watching.ts';

/** One client's store and the strings on its watches. */
export interface ModelClient {
  readonly store: ConsensusStore;
  linkChanged(): void;
  interrupt(why: string): void;
  compacted(): void;
}

export interface ModelClientDeps {
  readonly name: string;
  readonly server: EtcdServer;
  readonly leases: Leases;
  readonly admit: RoundTripDeps['admit'];
  readonly random: () => number;
  readonly clientClock: Clock;
  readonly storeClock: Clock;
  readonly faults: () => ClientFaults;
  readonly hasLeader: () => boolean;
  readonly onCommit: (listener: (commit: Commit) => void) => () => void;
}

const VERSION = '3.5.16';
const FULL: StoreError = { code: 'no-space', message: 'database space exceeded' };

export const createModelClient = (deps: ModelClientDeps): ModelClient => {
  const { server, leases, name } = deps;
  const watches = new Set<ModelWatch>();
  const closers = new Set<() => void>();
  let closed = false;
  const network: RoundTripDeps = {
    ...deps,
    closed: () => closed,
    onClose: (listener) => {
      closers.add(listener);
      return () => closers.delete(listener);
    },
  };
  const ask = async <T>(call: Call, execute: () => Outcome<T>, needsLeader = true): Promise<Outcome<T>> =>
    runRoundTrip({ call, execute, needsLeader, unanswered: (error) => ({ kind: 'failed', error }) }, network);
  const ok = <T>(value: T): Outcome<T> => ({ kind: 'ok', value });

  const store: ConsensusStore = {
    range: async (prefix, call) => ask(call, () => ok(server.range(prefix))),
    transact: async (txn, call) =>
      runRoundTrip(
        {
          call,
          needsLeader: true,
          execute: () => server.transact(txn),
          unanswered: (error, surelyNot) => ({ kind: surelyNot ? 'failed' : 'unknown', error }),
        },
        network,
      ),
    grantLease: async (ttl, call) =>
      ask(call, () => {
        const granted = leases.grant(ttl);
        return granted === undefined ? { kind: 'failed', error: FULL } : ok(granted);
      }),
    keepLeaseAlive: async (lease, call) => ask(call, () => ok(leases.keepAlive(lease))),
    revokeLease: async (lease, call) =>
      ask(call, () => {
        leases.revoke(lease);
        return ok('revoked');
      }),
    watch: (prefix, listener) => {
      if (closed) return { close: () => {} };
      const watch = createModelWatch(prefix, listener, deps);
      const stop = deps.onCommit((commit) => watch.committed(commit));
      watches.add(watch);
      const close = (): void => {
        stop();
        watch.close();
        watches.delete(watch);
        closers.delete(close);
      };
      closers.add(close);
      return { close };
    },
    status: async (call) =>
      ask(
        call,
        () =>
          ok({
            endpoints: [{ endpoint: `model:${name}`, version: VERSION, error: undefined }],
            alarms: [...(server.space() === 'alarm' ? ['NOSPACE'] : []), ...(deps.hasLeader() ? [] : ['no leader'])],
          }),
        false,
      ),
    close: async () => {
      closed = true;
      for (const end of closers) end();
      closers.clear();
    },
  };
  return {
    store,
    linkChanged: () => {
      for (const watch of watches) watch.linkChanged();
    },
    interrupt: (why) => {
      for (const watch of watches) watch.interrupt(why);
    },
    compacted: () => {
      for (const watch of watches) if (watch.behind()) watch.interrupt('compacted');
    },
  };
};
