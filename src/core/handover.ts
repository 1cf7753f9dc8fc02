import type { InstanceId, MemberName, Ms } from './brand.ts';
import { ms } from './brand.ts';
import { after, remaining, type Instant } from './instant.ts';
import type { Position, PositionAlgebra } from './position.ts';

/**
 * A switchover, seen from the leader: a state machine in data (02 "Switchover", rule D14). The leader hands over, nobody
 * races. Up to `handing-over` a failure makes the old leader primary again; from there on rule D2 decides.
 */
export type Handover = {
  readonly to: MemberName;
  /** The operator's intent; undefined when the leader hands over on its own account (a planned stop). */
  readonly intent: string | undefined;
  readonly reason: string;
  readonly startedAt: Instant;
} & HandoverPhase;

type HandoverPhase =
  /** Still serving: a checkpoint now makes the stop short. */
  | { readonly phase: 'checkpointing' }
  /** `/primary` says 503; the database is being stopped cleanly. */
  | { readonly phase: 'stopping' }
  /** Stopped; the candidate has to receive everything up to `final`. */
  | { readonly phase: 'catching-up'; readonly final: Position; readonly until: Instant }
  /** The transaction that moves the leader key is sent, again where only the candidate's record changed meanwhile. */
  | {
      readonly phase: 'handing-over';
      readonly final: Position;
      /** The life of the data that was seen to hold everything: no other may get the key. */
      readonly instance: InstanceId;
      readonly until: Instant;
    }
  /** It will not be: the database becomes primary again under a new term. */
  | { readonly phase: 'failed'; readonly why: string };

export type HandoverEvent =
  | { readonly kind: 'checkpointed' }
  | { readonly kind: 'stopped'; readonly final: Position | undefined }
  | { readonly kind: 'step-failed'; readonly why: string }
  | { readonly kind: 'candidate'; readonly applied: Position | undefined; readonly instance: InstanceId }
  | { readonly kind: 'tick' };

/** How long the candidate may take to receive the end of the log, once the leader has stopped. */
const CATCH_UP: Ms = ms(5_000);

export const beginHandover = (to: MemberName, intent: string | undefined, reason: string, now: Instant): Handover => ({
  to,
  intent,
  reason,
  startedAt: now,
  phase: 'checkpointing',
});

/** The next state. An event that means nothing in this phase changes nothing. */
export const stepHandover = (h: Handover, event: HandoverEvent, now: Instant, positions: PositionAlgebra): Handover => {
  const fail = (why: string): Handover => ({ ...base(h), phase: 'failed', why });
  switch (event.kind) {
    case 'checkpointed':
      return h.phase === 'checkpointing' ? { ...base(h), phase: 'stopping' } : h;
    case 'stopped':
      if (h.phase !== 'stopping') return h;
      if (event.final === undefined) return fail('the database stopped, but the end of its log is not known');
      return { ...base(h), phase: 'catching-up', final: event.final, until: after(now, CATCH_UP) };
    case 'step-failed':
      if (h.phase === 'checkpointing') return { ...base(h), phase: 'stopping' };
      return h.phase === 'stopping' ? fail(`the database did not stop cleanly: ${event.why}`) : h;
    case 'candidate': {
      if (h.phase !== 'catching-up' || event.applied === undefined) return h;
      const order = positions.compare(event.applied, h.final);
      if (order === 'equal' || order === 'ahead')
        return { ...base(h), phase: 'handing-over', final: h.final, instance: event.instance, until: h.until };
      return order === 'diverged' ? fail(`${h.to} has a log that diverged from ours`) : h;
    }
    case 'tick':
      if (h.phase === 'catching-up' && remaining(h.until, now) <= 0)
        return fail(`${h.to} did not receive the end of the log within ${CATCH_UP} ms`);
      return h;
    default:
      return event satisfies never;
  }
};

const base = (h: Handover): Pick<Handover, 'to' | 'intent' | 'reason' | 'startedAt'> => ({
  to: h.to,
  intent: h.intent,
  reason: h.reason,
  startedAt: h.startedAt,
});

/** `/primary` must say 503: from the moment on when the database is about to stop. */
export const closesPrimary = (h: Handover | undefined): boolean => h !== undefined && h.phase !== 'checkpointing';
