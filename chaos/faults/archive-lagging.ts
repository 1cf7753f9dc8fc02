import { has, type Fault } from './fault.ts';

const SEGMENTS = 4;

export const archiveLagging: Fault = {
  sentence: (primary) => `the host of ${primary} is lost while its archiver is ${SEGMENTS} segments behind`,
  hits: 'the primary',
  needs: ['archive'],
  primary: 'moves',
  outage: { ttls: 1, ms: 500 },
  toleratedOverlapMs: 0,
  inflict: async ({ lab, engine, primary }) => {
    const archive = has(lab.archive, 'an archive');
    await archive.throttle(60_000);
    for (let segment = 0; segment < SEGMENTS; segment += 1) await engine.switchLog(lab, primary);
    await lab.kill(primary, 'all');
    await archive.throttle(0);
    return async () => {
      await lab.startMember(primary);
    };
  },
};
