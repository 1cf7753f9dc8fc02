import type { Lab } from '../lab/lab.ts';
import type { EngineName } from '../lab/server.ts';
import type { Engine } from './engine.ts';
import { createMysqlEngine } from './mysql.ts';
import { createPostgresEngine } from './postgres.ts';

/** An engine by its name, for a lab that runs it. */
export const engineFor = (engine: EngineName, lab: Lab): Engine =>
  engine === 'postgres' ? createPostgresEngine(lab) : createMysqlEngine(engine, lab);
