import type { MemberName } from '../../core/brand.ts';
import type { Clock } from '../../ports/clock.ts';
import type { Log } from '../../ports/log.ts';
import type { Processes } from '../../ports/processes.ts';
import type { Files } from './files.ts';

/** Where one member's database lies on its host, as far as it is the same for every engine. */
export interface Place {
  readonly options: {
    readonly name: MemberName;
    readonly dataDir: string;
    readonly processes: Processes;
    readonly clock: Clock;
    readonly log: Log;
  };
  readonly paths: {
    /** What the database was last told to be. */
    readonly settings: string;
    /** Stands while the data directory is no database. */
    readonly marker: string;
    /** Stands while the data is what an initialization made, never started since. */
    readonly pristine: string;
    /** Where new data is made before it takes the place of the old. */
    readonly fresh: string;
  };
  readonly files: Files;
  /** Parts of the data that lie outside its directory. */
  readonly outside: {
    folders(dataDir: string): Promise<readonly string[]>;
    empty(dataDir: string): Promise<void>;
  };
  /** Kills programs that an earlier agent left writing data (C26). */
  endOrphans(): void;
  /** Makes our own folder. Done once, cheap afterwards. */
  prepare(): Promise<void>;
}
