import { bug, pair, type Bug } from './bug.ts';
import { agentNeverFences } from './lease-bugs.ts';

/** What is fenced, when, and what is said of it: D6, D14, D16; I10, I11. */
export const fenceBugs: readonly Bug[] = [
  {
    ...bug(
      'uncleared-says-released',
      'D6: a holder that was not cleared itself says that it is fenced (A3b, model L4)',
      'core/actions.ts',
      "if (m.reign.clearance === 'no')\n",
      "if (m.reign.clearance === 'no' && m.reign.clearance !== 'no')\n",
    ),
  },
  {
    ...pair(
      'released-before-fenced',
      'D6: the key is given back while the database may be a primary (each alone is held by the other)',
      bug(
        'releases-anyhow',
        'a release asks nobody whether the database is fenced',
        'core/actions.ts',
        'm.reign === undefined || !surelyNoPrimary(m) || leadershipInFlight(m)',
        'm.reign === undefined || leadershipInFlight(m)',
      ),
      bug(
        'leaves-leftovers',
        'a leader decides although processes of its dead server remain',
        'core/rules/leader.ts',
        "when: (s) => leads(s) && s.db?.kind === 'stopped' && s.db.leftovers > 0,",
        'when: () => false,',
      ),
    ),
    profile: 'deaths',
  },
  pair(
    'tells-fenced-too-early',
    'D6: a deposed leader says that it is fenced, and is not (the fence comes first: each alone is held by the other)',
    bug(
      'tells-anyhow',
      'a deposed leader says that it is fenced before it is',
      'core/rules/safety.ts',
      's.m.reign === undefined && surelyNoPrimary(s.m),',
      's.m.reign === undefined,',
    ),
    agentNeverFences,
  ),
  {
    ...bug(
      'fenced-of-an-older-term',
      'D6: a fence of any older term clears the newest one (A3)',
      'core/snapshot.ts',
      'm.view?.fenced.has(heartbeat.value.term ?? termOf(heartbeat.modRevision)) === true',
      '(m.view?.fenced.size ?? 0) > 0',
    ),
    profile: 'deaths',
  },
  {
    ...bug(
      'leftovers-are-harmless',
      'a postmaster that died is taken for the whole server (measured: a backend committed 4.4 s later)',
      'core/primary.ts',
      'return db.leftovers > 0 && m.mayBePrimary;',
      'return false;',
    ),
    profile: 'deaths',
  },
  bug(
    'silent-database-is-no-primary',
    'a database that does not answer is taken for one that is not primary',
    'core/primary.ts',
    `    case 'starting':
    case 'unresponsive':
      return m.mayBePrimary;`,
    `    case 'starting':
    case 'unresponsive':
      return false;`,
  ),
  {
    ...bug(
      'failed-promotion-is-over',
      'a promotion that was given up is taken for one that cannot come any more',
      'core/absorb.ts',
      "result.kind === 'aborted' || (result.kind === 'failed' && result.code !== 'refused')",
      "result.kind === 'aborted' && result.kind !== 'aborted'",
    ),
    profile: 'promotions',
  },
  {
    ...bug(
      'late-primary-answer',
      'D16: /primary goes on saying 200 after the right has ended, as long as the loop hangs',
      'api/health.ts',
      'status.deadline !== undefined && remaining(status.deadline, now) > status.settings.timing.fenceBudget',
      'status.deadline !== undefined',
    ),
    profile: 'stalls',
  },
];
