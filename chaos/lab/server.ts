import { join } from 'node:path';
import type { ConfigInput } from './agent-config.ts';
import type { Account } from './host.ts';
import type { LabMember } from './lab.ts';

export const engineNames = ['postgres', 'mysql', 'mariadb'] as const;
export type EngineName = (typeof engineNames)[number];

type Rows = readonly Readonly<Record<string, unknown>>[];

/** What a lab must know of the servers that its members run. */
export interface LabServer {
  readonly engine: EngineName;
  /** As people call it. */
  readonly product: string;
  /** Members are named by it and a number. */
  readonly prefix: string;
  readonly superuser: string;
  /** Who the servers run as where we are root. */
  readonly account: Account | undefined;
  /** The section of a member's configuration, by its name. */
  section(input: ConfigInput): readonly [name: string, values: Readonly<Record<string, unknown>>];
  /** Asks a member's server once, as the superuser, on a connection of its own. */
  query(member: LabMember, password: string, sql: string): Promise<Rows>;
  /** Makes the role of the writers, through a question to the primary; nothing happens where it is there. */
  prepareWriter(ask: (sql: string) => Promise<Rows>): Promise<void>;
}

/** The role of the writers: it may do nothing but use its own table. */
export const WRITER = 'chaos';

/** Where a member's sockets lie. */
export const socketDirOf = (dir: string): string => join(dir, 'socket');
