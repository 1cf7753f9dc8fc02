/** What differs between PostgreSQL 13 and 18. The only place that knows version numbers. */
export interface Dialect {
  readonly major: number;
  /** As the server prints it: `15.20`. */
  readonly version: string;
  /** The role that may run CHECKPOINT; before it, only a function that runs as its owner can offer that. */
  readonly checkpointRole: string | undefined;
  /** The role that may use the connections kept free by `reserved_connections`. */
  readonly reservedConnectionsRole: string | undefined;
  /** A standby may be the source of a rewind. */
  readonly rewindFromStandby: boolean;
  /** pg_rewind sees the timeline on which recovery ended, and not only that of the last checkpoint. */
  readonly rewindSeesLastTimeline: boolean;
  /** pg_rewind can be told where postgresql.conf is. */
  readonly rewindConfigFile: boolean;
  /** Logical slots can follow a failover (`failover => true`). */
  readonly slotFailover: boolean;
  /** initdb has checksums unless told otherwise, and a switch to tell it. */
  readonly checksumsByDefault: boolean;
  /** Startup-packet field `in_hot_standby` and the like are not needed; this one tells of replay that is paused. */
  readonly pauseState: boolean;
}

const OLDEST = 13;

/** Parses what `postgres --version` prints; a sentence where this is no version that the agent can run. */
export const dialectOf = (versionLine: string): Dialect | string => {
  const found = /\(PostgreSQL\) ((\d+)\S*)/.exec(versionLine);
  if (found === null) return `'${versionLine.trim()}' is not what a PostgreSQL server says of its version`;
  const major = Number(found[2]);
  if (major < OLDEST) return `PostgreSQL ${found[1]} is too old: versions from ${OLDEST} on can be run`;
  return {
    major,
    version: found[1] ?? String(major),
    checkpointRole: major >= 15 ? 'pg_checkpoint' : undefined,
    reservedConnectionsRole: major >= 16 ? 'pg_use_reserved_connections' : undefined,
    rewindFromStandby: major >= 14,
    rewindSeesLastTimeline: major >= 16,
    rewindConfigFile: major >= 15,
    slotFailover: major >= 17,
    checksumsByDefault: major >= 18,
    pauseState: major >= 14,
  };
};
