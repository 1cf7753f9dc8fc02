import { InvalidArgumentError, Option, type Command } from 'commander';
import { parseDuration } from '../config/units.ts';
import { parseMemberName, type MemberName } from '../core/brand.ts';

/** Options and arguments that several commands share, with their parsers. */

/** `30` (seconds), `30s`, `2min`. */
const timeout = (text: string): number => {
  const value = /^\d{1,5}(\.\d)?$/.test(text) ? Number(text) * 1000 : parseDuration(text);
  if (value === undefined || value <= 0 || value > 3_600_000)
    throw new InvalidArgumentError('Write it as 30s or 2min, at most 1h.');
  return value;
};

export const member = (text: string): MemberName => {
  const name = parseMemberName(text);
  if (name === undefined) throw new InvalidArgumentError('A member name has lower case letters, digits, _ and -.');
  return name;
};

export const members = (text: string, earlier: readonly MemberName[] | undefined): readonly MemberName[] => [
  ...(earlier ?? []),
  member(text),
];

/** A whole number from 1. */
export const positive = (text: string): number => {
  const value = /^\d{1,9}$/.test(text) ? Number(text) : 0;
  if (value < 1) throw new InvalidArgumentError('Write a whole number from 1.');
  return value;
};

/** `--dry-run`, `--yes`, and for what takes time `--wait`, `--no-wait`, `--timeout`. */
export const changes = (command: Command, how: { readonly takesTime: boolean }): Command => {
  command
    .addOption(new Option('--dry-run', 'say what would be done and why not; change nothing'))
    .addOption(new Option('-y, --yes', 'do not ask for confirmation'));
  if (!how.takesTime) return command;
  return command
    .addOption(new Option('--wait', 'wait until it is done'))
    .addOption(new Option('--no-wait', 'return as soon as it is recorded'))
    .addOption(new Option('--timeout <time>', 'how long to wait').argParser(timeout).default(60_000, '60s'))
    .addOption(new Option('--idempotency-key <key>', 'the same key twice is the same request'));
};
