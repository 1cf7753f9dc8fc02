import { ms, type InstanceId, type MemberName, type Ms, type Term } from './brand.ts';
import type { CandidateReport } from './candidates.ts';
import type { DatabaseView } from './database.ts';
import type { Instant } from './instant.ts';
import type { Known } from './known.ts';
import type { ClusterView, DatabaseRole, MemberState } from './model.ts';
import type { Position } from './position.ts';
import type { Settings, Tags } from './settings.ts';

/** Everything that the agent shows of itself: one immutable value, replaced as a whole. The API answers from it alone. */
export interface AgentStatus {
  readonly cluster: string;
  readonly name: MemberName;
  readonly instance: InstanceId;
  /** One life of the agent's process. */
  readonly agent: string;
  readonly version: string;
  readonly engine: string;
  readonly apiUrl: string;
  readonly host: string;
  readonly port: number;
  /** Wall clock milliseconds. */
  readonly agentStartedAt: number;
  /** When this value was made; a health answer from an old one is not the truth (invariant I10). */
  readonly madeAt: Instant;
  /** When the database was last looked at; undefined before the first look. */
  readonly databaseAt: Instant | undefined;

  /** This member holds the leader key, as far as it can prove. */
  readonly leads: boolean;
  readonly term: Term | undefined;
  readonly cleared: boolean;
  /** Until when this member's right lasts. `/primary` compares it with the clock at each request. */
  readonly deadline: Instant | undefined;
  /** All of rule D16 but the deadline: cleared, writable, barrier acknowledged, not stopping or handing over. */
  readonly open: boolean;
  /** Until when `open` may be believed without another look: a leader whose voters may elect another knows only for so long. */
  readonly openUntil: Instant | undefined;
  /** A replica that follows the cluster's newest generation and may serve reads (invariant I5). */
  readonly serving: boolean;

  readonly database: Known<DatabaseView>;
  readonly role: DatabaseRole;
  readonly state: MemberState;
  readonly position: Position | undefined;
  /** How far this replica's applied position is behind the leader's last published one. */
  readonly lag: number | undefined;
  /** What `lag` counts. */
  readonly lagUnit: 'bytes' | 'transactions';

  readonly tags: Tags;
  readonly settings: Settings;
  readonly view: ClusterView | undefined;
  readonly viewAt: Instant | undefined;
  /** Why etcd is not reachable now; undefined when it is. */
  readonly storeTrouble: string | undefined;

  /** A leader's right by promises instead of etcd (rule D15). */
  readonly failsafe: {
    /** Wall clock milliseconds since when the right rests on promises; undefined while it does not. */
    readonly activeSince: number | undefined;
    /** Why the last question for promises gave nothing, one sentence a member. */
    readonly refusals: readonly string[];
  };

  readonly decision: DecisionReport;
  readonly candidates: readonly CandidateReport[];
  /** `cut`: how clients are kept away from a database that cannot be killed. */
  readonly guard: { readonly alive: boolean; readonly armedTerm: Term | undefined; readonly cut: string | undefined };
  readonly task: { readonly name: string; readonly since: number; readonly detail: string } | undefined;
  /** Wall clock milliseconds of the last time the loop ran. */
  readonly loopAt: number;
  readonly stopping: boolean;
}

/** The rule that decided last, and its reasons. */
export interface DecisionReport {
  readonly rule: string;
  readonly why: string;
  readonly reasons: readonly string[];
  /** Wall clock milliseconds since when this is the decision. */
  readonly since: number;
  /** What the agent would do next, and what would unblock it. */
  readonly next: string;
}

/** How old a status may be before health answers from it turn into 503. */
export const STATUS_MAX_AGE: Ms = ms(15_000);
