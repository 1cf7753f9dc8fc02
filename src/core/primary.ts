import type { DatabaseView } from './database.ts';
import type { Memory } from './memory.ts';

/** What is known of whether the own database may acknowledge a write. */

/** Whether the database may be a primary after this observation; what cannot be seen keeps what was known before. */
export const primaryAfter = (m: Memory, db: DatabaseView): boolean => {
  switch (db.kind) {
    case 'running':
      return db.role === 'primary' || m.task?.task.kind === 'promote' || m.promotionPending;
    case 'stopped':
      return db.leftovers > 0 && m.mayBePrimary;
    case 'empty':
    case 'incomplete':
    case 'unusable':
      return false;
    case 'starting':
    case 'unresponsive':
      return m.mayBePrimary;
    default:
      return db satisfies never;
  }
};

/** A promotion under way ends with the server, or by coming true. */
export const mayStillPromote = (db: DatabaseView): boolean =>
  (db.kind === 'running' && db.role === 'replica') ||
  db.kind === 'starting' ||
  db.kind === 'unresponsive' ||
  (db.kind === 'stopped' && db.leftovers > 0);

/** This look says what the database is. One that does not answer, or of which processes remain, may be anything. */
export const isConclusive = (db: DatabaseView): boolean =>
  db.kind !== 'starting' && db.kind !== 'unresponsive' && !(db.kind === 'stopped' && db.leftovers > 0);

/**
 * The database is surely no primary. A process that has just started knows nothing of a server that hangs: it must not say
 * that it is fenced, nor promise anything, before it has once seen what it is.
 */
export const surelyNoPrimary = (m: Pick<Memory, 'mayBePrimary' | 'looked'>): boolean => m.looked && !m.mayBePrimary;

/**
 * The database cannot do its work and is being fenced, or a fence did not succeed: processes that wait for a dead disk cannot be
 * killed. Then nothing can be said to be released, so the right is left to end, and others count the silence (02 "The guard and
 * the fence"). As soon as a fence is verified, it can be given back at once.
 */
export const givesUp = (m: Memory): boolean =>
  m.mayBePrimary && ((m.failing !== undefined && m.task?.task.kind === 'fence') || m.trouble?.task === 'fence');
