import type { MysqlSettingsStore } from './settings.ts';
import type { Admin } from './admin.ts';
import type { Configuration } from './configuration.ts';
import type { Server } from './server.ts';
import type { Site } from './site.ts';

/** The parts of one member's server that its steps share. */
export interface Parts {
  readonly site: Site;
  readonly admin: Admin;
  readonly server: Server;
  readonly settings: MysqlSettingsStore;
  readonly configuration: Configuration;
}
