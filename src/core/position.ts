/**
 * How far a member's log reaches. Opaque to the core: each engine brings its own `PositionAlgebra`
 * (PostgreSQL: timeline history and LSN; MySQL: GTID sets), and nothing here knows which one it is.
 */
export interface Position {
  readonly engine: string;
  readonly [field: string]: unknown;
}

/**
 * How the first of two positions lies to the second.
 * `diverged`: neither contains the other, so neither can follow the other without losing something.
 */
export type Order = 'equal' | 'ahead' | 'behind' | 'diverged';

/** What the core may ask about positions. Pure, total: a malformed position is `undefined` at parse, never an exception. */
export interface PositionAlgebra {
  /** Parses what came from etcd, a peer or a server; `undefined` when it is not a position of this engine. */
  parse(raw: unknown): Position | undefined;
  /** Compares by ancestry, never by number alone. */
  compare(a: Position, b: Position): Order;
  /** How many bytes (or transactions, see `unit`) `behind` lacks of what `ahead` has; 0 when it lacks nothing. */
  distance(behind: Position, ahead: Position): number;
  /** What `distance` counts. */
  readonly unit: 'bytes' | 'transactions';
  /** For people: short and without secrets. */
  describe(position: Position): string;
  /** The number of the log generation (PostgreSQL: timeline) for APIs that show one; 0 where there is none. */
  generation(position: Position): number;
  /** The end of the log as one number, for APIs that show one (PostgreSQL: the LSN); absent where there is none. */
  offset?(position: Position): number | undefined;
}
