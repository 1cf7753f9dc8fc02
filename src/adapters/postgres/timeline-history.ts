import { formatLsn, parseLsn, type Lsn } from './lsn.ts';

/** Where a timeline was left for its successor. */
export interface Switch {
  readonly timeline: number;
  readonly end: Lsn;
}

/** The largest timeline number PostgreSQL can count to. */
export const MAX_TIMELINE = 0xffff_ffff;

/** How many switches a position carries at most; older ones decide nothing between members of one cluster. */
export const MAX_SWITCHES = 100;

/** The reason field by which our own placeholders are known. */
const PLACEHOLDER = 'haagent placeholder: this number was reserved and never used';

/**
 * Parses a `.history` file: one line for each timeline that was left, oldest first.
 * `undefined` when it is not one (numbers must grow and positions must not shrink).
 */
export const parseHistory = (text: string): readonly Switch[] | undefined => {
  const switches: Switch[] = [];
  for (const line of text.split('\n')) {
    const body = line.replace(/#.*$/, '').trim();
    if (body === '') continue;
    const found = /^(\d{1,10})\s+(\S+)/.exec(body);
    const end = parseLsn(found?.[2]);
    if (found === null || end === undefined) return undefined;
    switches.push({ timeline: Number(found[1]), end });
  }
  return growing(switches) ? switches : undefined;
};

/** Timelines strictly grow and their ends never shrink: anything else is not the history of one log. */
export const growing = (switches: readonly Switch[]): boolean =>
  switches.every((each, at) => {
    const before = switches[at - 1];
    if (each.timeline < 1 || each.timeline > MAX_TIMELINE) return false;
    return before === undefined || (before.timeline < each.timeline && before.end <= each.end);
  });

/**
 * A history file that reserves a number without being followed (07-review A10): it claims to have left `own` at the very
 * first byte of a log, which is below every position that a real database can have reached.
 */
export const placeholderHistory = (own: number): string => `${own}\t${formatLsn(0x100_0000n)}\t${PLACEHOLDER}\n`;

export const isPlaceholder = (text: string): boolean => text.includes(PLACEHOLDER);
