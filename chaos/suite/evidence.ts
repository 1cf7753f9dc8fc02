import { copyFileSync, existsSync, mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Lab } from '../lab/lab.ts';

/** Files of a lab that tell what happened, and under which name they are kept. */
const filesOf = (lab: Lab): readonly (readonly [string, string])[] => [
  ...lab.members.flatMap(({ name, dir, logFile }): readonly (readonly [string, string])[] => [
    [logFile, `${name}.log`],
    [join(dir, 'state', 'guard.log'), `${name}-guard.log`],
    [join(dir, 'state', 'postgres', 'postgres.log'), `${name}-postgres.log`],
  ]),
  ...lab.etcd.endpoints.map((_, index) => [join(lab.dir, `etcd${index + 1}`, 'log'), `etcd${index + 1}.log`] as const),
  [join(lab.dir, 'haproxy', 'log'), 'haproxy.log'],
  [join(lab.dir, 'writes.jsonl'), 'writes.jsonl'],
];

/** Keeps what explains a run that failed: logs, the journal of the writes, and what the agents say of each member. */
export const keepEvidence = async (lab: Lab, directory: string): Promise<void> => {
  mkdirSync(directory, { recursive: true });
  for (const [from, to] of filesOf(lab)) if (existsSync(from)) copyFileSync(from, join(directory, to));
  if (lab.system !== 'haagent') return;
  const questions = [['list'], ['history'], ...lab.members.map(({ name }) => ['why', name])];
  const answers = await Promise.all(
    questions.map(async (question) => {
      const { stdout, stderr } = await lab.ctl(question);
      return `$ haagentctl ${question.join(' ')}\n${stdout}${stderr}`;
    }),
  );
  writeFileSync(join(directory, 'haagentctl.txt'), answers.join('\n'));
};
