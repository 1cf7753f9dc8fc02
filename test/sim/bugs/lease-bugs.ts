import { bug, pair, type Bug } from './bug.ts';

const noGuard = bug(
  'no-guard',
  'the guard never fences (model L6)',
  'guard/state.ts',
  'remaining(armed.deadline, now) <= armed.fenceBudget',
  'false',
);
export const agentNeverFences = bug(
  'agent-never-fences',
  'the agent leaves a primary without a right alone',
  'core/rules/safety.ts',
  's.m.mayBePrimary && s.rightLeft <= s.m.settings.timing.fenceBudget',
  's.m.mayBePrimary && s.rightLeft === -1',
);

/** Rights, deadlines and silence: D2, D4, D5. */
export const leaseBugs: readonly Bug[] = [
  {
    ...bug(
      'deadline-from-reply',
      'D4: the deadline is counted from the answer, not from just before sending (model L1)',
      'core/keeper.ts',
      'deadlineFrom(sentAt, m.settings.timing, said.ttl)',
      'deadlineFrom(m.now, m.settings.timing, said.ttl)',
    ),
  },
  {
    ...bug(
      'keep-alive-is-proof',
      'D4: a lease that etcd says it renewed moves the deadline (measured: about 40 false successes a trial)',
      'core/absorb.ts',
      'return [{ ...m, lease: event.lease }, []];',
      `return m.reign?.deadline === undefined || event.lease === undefined
          ? [{ ...m, lease: event.lease }, []]
          : [
              { ...m, lease: event.lease, reign: { ...m.reign, deadline: after(m.now, ms(m.settings.timing.ttl)) } },
              [{ kind: 'arm', term: m.reign.term, deadline: after(m.now, ms(m.settings.timing.ttl)) }],
            ];`,
    ),
    profile: 'stalls',
  },
  bug(
    'absent-key-is-permission',
    'D5: a vanished leader key is taken as permission to promote (model L2)',
    'core/snapshot.ts',
    'const released = isReleased(m);',
    'const released = isReleased(m) || (view !== undefined && view.leader === undefined);',
  ),
  bug(
    'silence-too-short',
    'D5: a challenger waits a little less than the right lasts (model L12)',
    'core/timing.ts',
    'ms(ttl * (1 + drift))',
    'ms(ttl * (1 - drift) * 0.75)',
  ),
  {
    ...bug(
      'one-clock-only',
      'D4: the holder looks at the monotonic clock alone, which stands still in a suspend',
      'core/instant.ts',
      'ms(Math.min(deadline.mono - now.mono, deadline.boot - now.boot))',
      'ms(deadline.mono - now.mono)',
    ),
    profile: 'stalls',
  },
  noGuard,
  pair(
    'no-fence-at-all',
    'D4: neither agent nor guard ends a primary whose right is over (each alone is held by the other)',
    noGuard,
    agentNeverFences,
  ),
  {
    ...bug(
      'restart-trusts-the-key',
      'D2, D4: a restarted agent takes "the key is mine" for a proof and for a right (model L16)',
      'core/reign.ts',
      `    deadline: undefined,
    provenAt: undefined,
    clearance,`,
      `    deadline: after(now, told.ttl),
      provenAt: now,
      clearance: clearance === 'no' ? 'own' : clearance,`,
    ),
  },
  {
    ...bug(
      'short-ttl-at-once',
      'D5: a shorter ttl is promised while a right of the longer one still stands (A3d)',
      'core/keeper.ts',
      'return Math.max(...standing) > rightOf(m.settings.timing) ? reign.ttl : wanted;',
      'return standing.length > 9 ? reign.ttl : wanted;',
    ),
  },
  {
    ...bug(
      'paused-is-silence',
      'decision 0002: the silence of a paused leader ends its right',
      'core/snapshot.ts',
      'const held = m.silence?.paused === true && !released;',
      'const held = m.silence === null;',
    ),
    profile: 'times',
  },
  {
    ...bug(
      'resume-before-the-guard',
      'decision 0002: an unpaused heartbeat is sent before the guard knows an end of the right',
      'core/keeper.ts',
      'if (over && !boundedByGuard(m, reign)) return resume(m, reign);',
      '',
    ),
    profile: 'times',
  },
  {
    ...bug(
      'leader-not-compared',
      'D4: heartbeats, releases and hand-overs are written without comparing the term',
      'core/proposals.ts',
      'compare(LEADER, revisionOf(reign.term)),\n  compare(HEARTBEAT, reign.heartbeatRevision),',
      'compare(HEARTBEAT, reign.heartbeatRevision),',
    ),
    byShape: true,
  },
  {
    ...bug(
      'heartbeat-not-compared',
      'D2: heartbeats, releases and hand-overs do not compare the last heartbeat (model L7)',
      'core/proposals.ts',
      'compare(LEADER, revisionOf(reign.term)),\n  compare(HEARTBEAT, reign.heartbeatRevision),',
      'compare(LEADER, revisionOf(reign.term)),',
    ),
    byShape: true,
  },
  {
    ...bug(
      'old-heartbeat-stays',
      'D3: a take-over leaves released: true in place (A3a, model L3)',
      'core/proposals.ts',
      `    ttl: input.ttl,
    released: false,`,
      `    ttl: input.ttl,
      released: view.heartbeat?.value.released ?? false,`,
    ),
  },
];
