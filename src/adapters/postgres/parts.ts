import type { Admin } from './admin.ts';
import type { Configuration } from './configuration.ts';
import type { ControlFileReader } from './control-file.ts';
import type { Histories } from './histories.ts';
import type { Postmaster } from './postmaster.ts';
import type { PostgresSettingsStore } from './settings.ts';
import type { Site } from './site.ts';

/** The parts of one member's PostgreSQL that its steps share. */
export interface Parts {
  readonly site: Site;
  readonly admin: Admin;
  readonly postmaster: Postmaster;
  readonly control: ControlFileReader;
  readonly histories: Histories;
  readonly settings: PostgresSettingsStore;
  readonly configuration: Configuration;
}
