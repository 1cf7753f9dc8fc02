import type { MemberName } from '../core/brand.ts';
import type { Intent, Keyed } from '../core/model.ts';
import type { OperationResult, Withdrawable } from '../ports/operations.ts';
import { isScheduled } from './cluster-document.ts';
import { storeRefusal, type Keys } from './operation-read.ts';
import { proposeWithdrawal } from './operation-record.ts';

/**
 * Withdraws what was scheduled and has not begun; a failover or reinitialization also when it only waits for somebody to
 * carry it out, since its member may be gone for good. Each removal compares what
 * was read: an intent that its member ended meanwhile stays as it is.
 */
export const withdrawIntents = async (
  keys: Keys,
  kind: Withdrawable,
  member: MemberName | undefined,
  dryRun: boolean,
): Promise<OperationResult> => {
  const read = await keys.read();
  if (read.kind === 'no') return read.refused;
  const open = read.view.intents.filter(({ value }) => value.outcome === undefined && isAbout(value, kind, member));
  const mayGo = open.filter(({ value }) => kind === 'reinitialize' || kind === 'failover' || isScheduled(value));
  const about = member === undefined || kind === 'switchover' || kind === 'failover' ? '' : ` of ${member}`;
  if (mayGo.length === 0)
    return open.length === 0
      ? { kind: 'refused', code: 'not-found', message: `no ${kind}${about} is scheduled` }
      : {
          kind: 'refused',
          code: 'conflict',
          message: `The ${kind}${about} is under way already.`,
          hint: 'Wait for its end.',
        };
  if (dryRun) return { kind: 'would-do', message: `would withdraw ${describe(mayGo)}` };
  for (const { value, modRevision } of mayGo) {
    const outcome = await keys.transact(proposeWithdrawal(value.id, modRevision));
    if (outcome.kind === 'failed' || outcome.kind === 'unknown')
      return storeRefusal(`withdraw ${value.id} in etcd`, outcome.error);
    if (outcome.kind === 'refused')
      return { kind: 'refused', code: 'conflict', message: `${value.id} has begun or ended meanwhile.` };
  }
  return { kind: 'done', message: `scheduled ${kind} deleted`, data: { intents: mayGo.map(({ value }) => value.id) } };
};

const isAbout = (intent: Intent, kind: Intent['kind'], member: MemberName | undefined): boolean =>
  intent.kind === kind && (member === undefined || !('member' in intent) || intent.member === member);

const describe = (intents: readonly Keyed<Intent>[]): string => intents.map(({ value }) => value.id).join(', ');
