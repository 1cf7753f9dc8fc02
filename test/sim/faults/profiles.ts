import type { Fault } from './faults.ts';

/**
 * Mixes of few kinds of faults, for what the whole mix meets too seldom. Any cluster may be run with one:
 * `npm run sim -- --profile NAME`; the hunt for known bugs names the one in which each is looked for.
 */
export const PROFILES = {
  /** Leaders' databases die, also only in part, while the key is lost or the agent stands still. */
  deaths: ['database-crash', 'delete-leader', 'revoke-lease', 'agent-freeze', 'agent-kill-at', 'lost-answer'],
  /** Promotions that fail, come late, or are interrupted, one after another. */
  promotions: ['failing-promotions', 'switchover', 'database-crash', 'reinitialize'],
  /** Agents and hosts stand still past their right. */
  stalls: ['agent-freeze', 'host-pause', 'delete-leader', 'revoke-lease'],
  /** Voters and leaders are cut off while what is promised changes; never without voters. */
  voters: ['set-mode', 'cut-all', 'cut-peers', 'host-crash', 'lossy', 'lost-answer', 'agent-kill-at', 'lose-data'],
  /** Leaders without etcd that go on by promises, and members that do not hear them. */
  blackouts: ['cut-etcd', 'fade', 'cut-peers', 'agent-freeze', 'agent-kill'],
  /** Times change, and leaders are cut off before and after they have heard of it. */
  times: ['set-ttl', 'cut-all', 'cut-etcd', 'delete-leader', 'pause'],
  /** Agents end and come back while etcd takes nothing, or only some of it arrives. */
  restarts: ['agent-kill', 'agent-kill-at', 'etcd-full', 'lossy', 'cut-etcd'],
  /** Copies are lost one after another, and leaders while nobody has taken their place. */
  losses: ['lose-data', 'host-crash', 'cold-start', 'database-crash', 'etcd-quorum'],
  /** Members hear late of what has changed, and are cut off from some others. */
  deaf: ['dull-watch', 'cut-peers', 'cut-etcd', 'agent-freeze', 'lossy', 'lost-answer'],
} as const satisfies Readonly<Record<string, readonly Fault['kind'][]>>;

export type Profile = keyof typeof PROFILES;

export const isProfile = (name: string): name is Profile => name in PROFILES;
