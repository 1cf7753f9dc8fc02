import { ms, type InstanceId, type MemberName } from '../core/brand.ts';
import { AgentError } from '../core/errors.ts';
import type { MemberRecord } from '../core/model.ts';
import type { PositionAlgebra } from '../core/position.ts';
import type { Clock } from '../ports/clock.ts';
import type { ConsensusStore } from '../ports/consensus.ts';
import type { Log } from '../ports/log.ts';
import type { Peers } from '../ports/peers.ts';
import { decodeView } from '../state/decode.ts';

/**
 * Makes sure that no other living agent uses this member's name. An agent of the same data that is gone (this one, before a
 * restart) is no obstacle. While etcd does not answer this waits, and says so.
 * Throws `AgentError` with code `name-taken`.
 */
export const admitName = async (deps: {
  readonly store: ConsensusStore;
  readonly prefix: string;
  readonly positions: PositionAlgebra;
  readonly peers: Peers;
  readonly clock: Clock;
  readonly log: Log;
  readonly name: MemberName;
  readonly instance: InstanceId;
  readonly apiUrl: string;
  readonly signal: AbortSignal;
}): Promise<void> => {
  const { clock, log, name, signal } = deps;
  let told = false;
  for (;;) {
    const read = await deps.store.range(deps.prefix, { timeout: ms(1_500), signal });
    signal.throwIfAborted();
    if (read.kind === 'ok') {
      const view = decodeView({ prefix: deps.prefix, range: read.value, positions: deps.positions });
      const record = view.members.get(name)?.value;
      if (record === undefined || isOwn(record, deps)) return;
      await refuseLiving(record, deps);
      log.info('name.held', `another agent's key of the name ${name} is still there; waiting until its lease ends`, {
        api_url: record.apiUrl,
      });
    } else if (!told) log.warn('store.waiting', `waiting for etcd: ${read.error.message}`, { code: read.error.code });
    told = true;
    await clock.sleep(ms(500), { signal });
  }
};

const isOwn = (record: MemberRecord, self: { readonly instance: InstanceId; readonly apiUrl: string }): boolean =>
  record.instance === self.instance && record.apiUrl === self.apiUrl;

const refuseLiving = async (
  record: MemberRecord,
  deps: { readonly peers: Peers; readonly name: MemberName; readonly signal: AbortSignal },
): Promise<void> => {
  const answers = await deps.peers.ask([{ name: deps.name, url: record.apiUrl }], {
    timeout: ms(1_000),
    signal: deps.signal,
  });
  if (answers.get(deps.name)?.kind !== 'known') return;
  throw new AgentError('name-taken', `the member name ${deps.name} is used by a living agent at ${record.apiUrl}`, {
    hint: 'give this member another name (member.name), or stop the other agent',
  });
};
