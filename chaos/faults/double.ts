import type { Fault } from './fault.ts';

export const double: Fault = {
  sentence: (primary) => `the host of ${primary} is lost, and the host of whoever replaces it as well`,
  hits: 'the primary',
  needs: ['three-members'],
  primary: 'moves',
  outage: { ttls: 2, ms: 2_000 },
  toleratedOverlapMs: 0,
  inflict: async ({ lab, primary, progress }) => {
    await lab.kill(primary, 'all');
    const winner = await lab.waitForLeader({ not: primary, deadlineMs: lab.ttlMs + 30_000, everyMs: 10 });
    progress(`${winner} has replaced it and is lost too`);
    await lab.kill(winner, 'all');
    await lab.waitForLeader({ not: winner, deadlineMs: lab.ttlMs + 30_000 });
    return async () => {
      await lab.startMember(primary);
      await lab.startMember(winner);
    };
  },
};
