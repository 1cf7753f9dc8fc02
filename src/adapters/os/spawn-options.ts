import { existsSync, readFileSync } from 'node:fs';
import type { Command } from '../../ports/processes.ts';

/** What of this process's environment a child gets: never `HAAGENT_…`, which may hold secrets. */
const INHERITED = /^(PATH|HOME|LANG|LANGUAGE|LC_[A-Z]+|TZ|TMPDIR|LD_LIBRARY_PATH)$/;
const SETPRIV = '/usr/bin/setpriv';

/** How a command is handed to `spawn`. */
export interface Spawnable {
  readonly file: string;
  readonly args: readonly string[];
  readonly options: {
    readonly env: Readonly<Record<string, string>>;
    readonly cwd: string;
    readonly detached: true;
    readonly uid?: number;
    readonly gid?: number;
  };
}

/**
 * A session of its own, the root directory, a clean environment, and another user where asked for. Node drops that
 * user's supplementary groups (a TLS key may be readable through one only), so setpriv sets them where it is installed.
 */
export const spawnable = (command: Command): Spawnable => {
  const { file, args, uid, gid } = command;
  const otherUser = uid !== undefined && uid !== 0 && process.getuid?.() === 0;
  const inherited = Object.entries(process.env).flatMap(([key, value]) =>
    value !== undefined && INHERITED.test(key) && !(otherUser && key === 'HOME') ? [[key, value] as const] : [],
  );
  const env = { ...Object.fromEntries(inherited), ...command.env };
  const options = { env, cwd: command.cwd ?? '/', detached: true } as const;
  if (!otherUser) return { file, args, options };
  if (!existsSync(SETPRIV)) return { file, args, options: { ...options, uid, gid: gid ?? uid } };
  const groups = isKnownUser(uid) ? '--init-groups' : '--clear-groups';
  const user = [`--reuid=${uid}`, `--regid=${gid ?? uid}`, groups, '--', file];
  return { file: SETPRIV, args: [...user, ...args], options };
};

/** What setpriv says when the program itself could not be started. */
export const NOT_EXECUTED = /^setpriv: (failed to execute .*)/;

const isKnownUser = (uid: number): boolean => {
  try {
    return readFileSync('/etc/passwd', 'utf8')
      .split('\n')
      .some((line) => line.split(':')[2] === String(uid));
  } catch {
    return false;
  }
};
