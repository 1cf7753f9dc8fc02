import { bug, pair, type Bug } from './bug.ts';

/** A right without etcd: D15. */
export const failsafeBugs: readonly Bug[] = [
  {
    ...bug(
      'all-but-one-promise',
      'D15: all promises but one suffice (model L9)',
      'core/failsafe.ts',
      'if (refusals.length > 0) return refused(m, refusals);',
      'if (refusals.length > 1) return refused(m, refusals);',
    ),
    profile: 'blackouts',
  },
  pair(
    'a-promise-forbids-nothing',
    'D15: a promise neither begins the silence anew nor forbids to lead (model L8, L21)',
    bug(
      'silence-goes-on',
      'a promise does not begin the silence anew',
      'core/promise.ts',
      'm.silence === undefined ? undefined : { ...m.silence, since: m.now }',
      'm.silence',
    ),
    bug(
      'promise-is-forgotten',
      'a promise forbids nothing',
      'core/promise.ts',
      'm.promise === undefined ? 0 : Math.max(',
      'm.promise !== null ? 0 : Math.max(',
    ),
  ),
  {
    ...bug(
      'failsafe-from-the-answer',
      'D15: the deadline is counted from the last answer, not from before the first question (model L10)',
      'core/failsafe.ts',
      'deadlineFrom(round.at, m.settings.timing, round.ttl)',
      'deadlineFrom(m.now, m.settings.timing, round.ttl)',
    ),
  },
  {
    ...bug(
      'promises-to-an-older-term',
      'D15: whoever has seen a newer term promises an older one all the same (model L18)',
      'core/promise.ts',
      'if (newest > asked.term)',
      'if (newest < asked.term)',
    ),
  },
];
