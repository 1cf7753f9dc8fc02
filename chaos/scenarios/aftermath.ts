import { findLeftovers, type MemberFacts } from '../checks/leftovers.ts';
import { findDisorder } from '../checks/order.ts';
import type { Engine } from '../engines/engine.ts';
import type { Lab } from '../lab/lab.ts';
import { pause } from '../lab/wait.ts';

/** Slots are made and dropped, and files archived, a moment after all is well: so long they may take. */
const TIDY_MS = 20_000;
const EVERY_MS = 500;

/** Asks until there is nothing to complain of, at most `TIDY_MS`; returns the last complaints. */
const untilNone = async (complaints: () => Promise<readonly string[]>): Promise<readonly string[]> => {
  const until = performance.now() + TIDY_MS;
  for (;;) {
    const found = await complaints().catch((error: unknown) => [String(error)]);
    if (found.length === 0 || performance.now() > until) return found;
    await pause(EVERY_MS);
  }
};

const factsOf = async (lab: Lab, engine: Engine, name: string, primary: string): Promise<MemberFacts> => ({
  name,
  primary: name === primary,
  agents: lab.processes(name, 'agent').length,
  guards: lab.processes(name, 'guard').length,
  postmasters: lab.processes(name, 'postmaster').length,
  copying: lab.processes(name, 'all').filter((proc) => engine.copiesData(proc)).length,
  slots: await engine.slots(lab, name),
});

/** What the faults left behind in a cluster that is well again, as sentences. */
export const inspect = async (lab: Lab, engine: Engine, primary: string): Promise<readonly string[]> => {
  const { archive } = lab;
  const leftovers = await untilNone(async () =>
    findLeftovers(await Promise.all(lab.members.map(({ name }) => factsOf(lab, engine, name, primary)))),
  );
  const holes = archive === undefined ? [] : await untilNone(() => engine.archiveHoles(archive));
  const session = await engine.dialect.connect(lab.member(primary), 2_000);
  try {
    const disorder = findDisorder(await session.written());
    const [first] = disorder;
    return [
      ...leftovers,
      ...(holes.length === 0 ? [] : [`the archive has holes: ${holes.slice(0, 10).join(', ')}`]),
      ...(first === undefined
        ? []
        : [`${disorder.length} rows lie behind rows of a newer generation; the first is id ${first.id}`]),
    ];
  } finally {
    session.destroy();
  }
};
