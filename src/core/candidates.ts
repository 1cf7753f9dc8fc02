import type { MemberName } from './brand.ts';

/** One reason why a member can, or cannot, lead. Shown to people and to programs alike. */
export interface Reason {
  /** Stable, for programs: `nofailover`, `lag`, `diverged`, `agent-unreachable`, `is-leader`, … */
  readonly code: string;
  /** A sentence for people, with numbers. */
  readonly text: string;
  /** This reason alone keeps the member from leading. */
  readonly blocks: boolean;
}

/** What the ranking says of one member. */
export interface CandidateReport {
  readonly name: MemberName;
  readonly eligible: boolean;
  /** 1 is the best; undefined when not eligible. */
  readonly rank: number | undefined;
  readonly lag: number | undefined;
  readonly reasons: readonly Reason[];
}
