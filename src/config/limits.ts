import type { Settings } from '../core/settings.ts';
import { faultAt, type Fault } from './faults.ts';
import type { EngineConfig } from './local.ts';

/** The most acknowledgements that each engine's servers can be made to wait for; absent: as many as there are members. */
const MOST_ACKS: Partial<Readonly<Record<EngineConfig['engine'], number>>> = { mysql: 0, mariadb: 1 };

export const mostAcksOf = (engine: EngineConfig['engine']): number | undefined => MOST_ACKS[engine];

/**
 * Faults of settings whose promise the members' databases cannot keep: nobody would be promoted under them.
 * @param most the fewest that any member's database can wait for; undefined: no limit
 */
export const acknowledgementFaults = ({ replication }: Settings, most: number | undefined): readonly Fault[] => {
  const { mode, acks } = replication;
  if (mode === 'async' || most === undefined || acks <= most) return [];
  return most === 0
    ? [faultAt(['replication', 'mode'], mode, 'async: these databases cannot be made to wait for acknowledgements')]
    : [
        faultAt(
          ['replication', 'acks'],
          String(acks),
          `at most ${most}: these databases cannot be made to wait for more`,
        ),
      ];
};
