import { isAbsolute } from 'node:path';
import { parseArgs } from 'node:util';
import { ms, type Ms } from '../core/brand.ts';
import { LONGEST_TTL } from '../core/timing.ts';
import { ORDER_VARIABLE, parseOrder, TOKEN_VARIABLE, type GuardOrder } from '../adapters/os/guard-protocol.ts';
import { portOf, type Port } from './port-cut.ts';
import type { GuardTarget } from '../ports/guard.ts';

/** How the guard is started. The token comes by the environment, where other users cannot read it. */
export interface GuardArguments {
  readonly socket: string;
  readonly stateFile: string;
  readonly target: GuardTarget;
  readonly watchdog: string | undefined;
  /** Undefined: clients are never kept away. */
  readonly port: Port | undefined;
  readonly fenceBudget: Ms;
  readonly token: string;
  /** The newest order of the agent that starts it; undefined where there is none, or none that is understood. */
  readonly order: GuardOrder | undefined;
}

export const USAGE =
  'usage: haagent-guard --socket PATH --data-dir DIR --replica-mark FILE --state FILE --fence-budget MS ' +
  `[--uid N --gid N] [--port N [--listen ADDRESSES]] [--watchdog PATH], with ${TOKEN_VARIABLE} in the environment`;

/** Parses the command line, or says what is wrong with it. */
export const parseArguments = (
  args: readonly string[],
  env: Readonly<Record<string, string | undefined>>,
): { readonly arguments: GuardArguments } | { readonly problem: string } => {
  try {
    const { values } = parseArgs({
      args: [...args],
      options: {
        socket: { type: 'string' },
        'data-dir': { type: 'string' },
        'replica-mark': { type: 'string' },
        state: { type: 'string' },
        'fence-budget': { type: 'string' },
        uid: { type: 'string' },
        gid: { type: 'string' },
        watchdog: { type: 'string' },
        port: { type: 'string' },
        listen: { type: 'string' },
      },
    });
    const path = (name: 'socket' | 'data-dir' | 'replica-mark' | 'state' | 'watchdog'): string => {
      const value = values[name] ?? '';
      if (!isAbsolute(value) || /^\/*$/.test(value))
        throw new RangeError(`--${name} must be an absolute path, found '${value}'`);
      return value;
    };
    const number = (name: 'fence-budget' | 'uid' | 'gid' | 'port', most: number): number => {
      const value = Number(values[name] ?? Number.NaN);
      if (!Number.isInteger(value) || value < 0 || value > most)
        throw new RangeError(`--${name} must be a number from 0 to ${most}, found '${values[name] ?? ''}'`);
      return value;
    };
    const token = env[TOKEN_VARIABLE] ?? '';
    if (token === '') throw new RangeError(`${TOKEN_VARIABLE} is missing in the environment`);
    const parsed = parseOrder(env[ORDER_VARIABLE] ?? '');
    const uid = values.uid === undefined ? undefined : number('uid', 0xfffffffe);
    const gid = values.gid === undefined ? undefined : number('gid', 0xfffffffe);
    const owner = { ...(uid === undefined ? {} : { uid }), ...(gid === undefined ? {} : { gid }) };
    return {
      arguments: {
        socket: path('socket'),
        stateFile: path('state'),
        target: { dataDir: path('data-dir'), replicaMark: path('replica-mark'), ...owner },
        watchdog: values.watchdog === undefined ? undefined : path('watchdog'),
        port: values.port === undefined ? undefined : portOf(number('port', 65_535), values.listen ?? '*'),
        fenceBudget: ms(number('fence-budget', LONGEST_TTL)),
        token,
        order: 'order' in parsed ? parsed.order : undefined,
      },
    };
  } catch (error) {
    return { problem: error instanceof Error ? error.message : String(error) };
  }
};
