import { mysqlServer } from './mysql-server.ts';
import { postgresServer } from './postgres-server.ts';
import type { EngineName, LabServer } from './server.ts';

/** The servers of an engine on this machine. Throws where they are not installed. */
export const labServer = (engine: EngineName): LabServer =>
  engine === 'postgres' ? postgresServer() : mysqlServer(engine);
