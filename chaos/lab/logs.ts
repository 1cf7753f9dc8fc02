import { readFileSync } from 'node:fs';
import type { LabMember } from './lab.ts';

const lastLines = ({ logFile }: LabMember, lines: number): string => {
  const text = readFileSync(logFile, { encoding: 'utf8', flag: 'a+' }).trimEnd();
  return `--- ${logFile}\n${text.split('\n').slice(-lines).join('\n')}`;
};

/** The last lines of every member's log, for a failure's message. */
export const logTails = (members: readonly LabMember[], lines: number): string =>
  members.map((member) => lastLines(member, lines)).join('\n');
