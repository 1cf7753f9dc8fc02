/**
 * Rare paths that the standard run has to take: seeds that never get there prove nothing about them. Each is counted where
 * it happens; `npm run sim` fails a full run in which one of them was never taken.
 */
export const RARE_PATHS = [
  'a backend without its postmaster acknowledged a write',
  'a clone was interrupted',
  'a deposed leader told that it is fenced',
  'a full disk ended a database',
  'a hand-over of unknown outcome did happen',
  'a hand-over of unknown outcome did not happen',
  'a heartbeat of unknown outcome did happen',
  'a holder took its vanished key again',
  'a keep-alive of a lost lease was answered with success',
  'a leader key vanished while its holder lived',
  'a leader key was taken over while it was there',
  'a leader released its key, fenced',
  'a promotion came true after it was given up',
  'a request was executed after its caller had given up',
  'a restarted agent took up the term of its predecessor',
  'a rewind was interrupted',
  'a take-over was refused because something had changed',
  'a terminated agent had a transaction under way',
  'acknowledged writes were lost by a failover',
  'an agent fenced its own database',
  'an answer was lost',
  'an attempt to lead of unknown outcome did happen',
  'etcd changed its leader',
  'etcd was out of space',
  'no fence succeeded while a disk hung',
  'the guard fenced a primary',
  'the guard killed what appeared after its fence',
  'whole hosts went on after their right had ended',
] as const;

export type RarePath = (typeof RARE_PATHS)[number];
