import { ms, termOf } from '../core/brand.ts';
import type { ClusterView, Intent } from '../core/model.ts';
import type { Clock } from '../ports/clock.ts';
import type { How, OperationResult } from '../ports/operations.ts';
import type { Keys } from './operation-read.ts';

const POLL = ms(100);

/**
 * Waits for the outcome of a recorded intent: reads the cluster every 100 ms until it is there or the caller's time is over.
 * Throws only the signal's reason. Whatever the result, the intent stays recorded.
 */
export const waitForOutcome = async (keys: Keys, clock: Clock, intent: Intent, how: How): Promise<OperationResult> => {
  const tell = onChange(how.progress);
  while (keys.left() > 0) {
    how.signal.throwIfAborted();
    const read = await keys.read();
    if (read.kind === 'no') tell(`etcd does not answer: ${read.refused.message}`);
    else {
      const found = read.view.intents.find(({ value }) => value.id === intent.id)?.value;
      if (found === undefined) return withdrawn(intent);
      if (found.outcome !== undefined) return resultOf(found, found.outcome, read.view);
      tell(leadership(read.view));
    }
    await clock.sleep(ms(Math.min(POLL, Math.max(1, keys.left()))), { signal: how.signal });
  }
  return {
    kind: 'refused',
    code: 'timed-out',
    message: `The ${intent.kind} was recorded (${intent.id}) but not done within ${Math.round(how.timeout / 100) / 10} s. It may still be.`,
    hint: 'haagentctl why says what the agents wait for.',
  };
};

const resultOf = (intent: Intent, outcome: NonNullable<Intent['outcome']>, view: ClusterView): OperationResult => {
  const leader = view.leader?.value;
  const data = {
    intent: intent.id,
    outcome,
    leader,
    term: view.history === undefined ? undefined : termOf(view.history.modRevision),
  };
  if (outcome.kind === 'done')
    return { kind: 'done', message: doneMessage(intent, leader ?? 'nobody', outcome.reason), data };
  return {
    kind: 'refused',
    code: outcome.kind === 'refused' ? 'refused' : 'failed',
    message: `The ${intent.kind} ${outcome.kind === 'refused' ? 'was refused' : 'failed'}: ${outcome.reason}.`,
    hint: 'haagentctl why explains what each member could do now.',
  };
};

/** Patroni's clients print the first two as they are. */
const doneMessage = (intent: Intent, leader: string, reason: string): string => {
  switch (intent.kind) {
    case 'switchover':
      return `Successfully switched over to "${leader}"`;
    case 'failover':
      return `Successfully failed over to "${leader}"`;
    case 'restart':
    case 'reinitialize':
      return `${intent.member}: ${reason}`;
    default:
      return intent satisfies never;
  }
};

const withdrawn = (intent: Intent): OperationResult => ({
  kind: 'refused',
  code: 'conflict',
  message: `The ${intent.kind} was withdrawn before it was done.`,
  hint: 'haagentctl events shows by whom.',
});

const leadership = (view: ClusterView): string =>
  view.leader === undefined
    ? 'the cluster has no leader'
    : `${view.leader.value} leads (term ${termOf(view.leader.modRevision)})`;

const onChange = (progress: How['progress']): ((line: string) => void) => {
  let last: string | undefined;
  return (line) => {
    if (line === last) return;
    last = line;
    progress?.(line);
  };
};
