import type { Ms } from '../core/brand.ts';
import type { Clock } from '../ports/clock.ts';
import type { Log } from '../ports/log.ts';
import type { Processes, RunResult } from '../ports/processes.ts';

export type HookName = 'pre_promote' | 'on_start' | 'on_stop' | 'on_role_change';

export interface HookOptions {
  /** Program and arguments of each hook; from the local configuration only, never from etcd. */
  readonly commands: Readonly<Partial<Record<HookName, readonly string[]>>>;
  readonly timeout: Ms;
  readonly environment: Readonly<Record<string, string>>;
}

export interface Hooks {
  /** Runs a hook and waits for it. `refused`: it said no (or did not end in time), with its words. */
  ask(
    name: HookName,
    facts: Readonly<Record<string, string>>,
    signal: AbortSignal,
  ): Promise<{ readonly kind: 'agreed' } | { readonly kind: 'refused'; readonly why: string }>;
  /** Queues a hook: they run one after another, each with its deadline, and nobody waits for them. */
  tell(name: HookName, facts: Readonly<Record<string, string>>): void;
  /** Takes no more; lets what is queued end for at most `within` milliseconds, then kills it. Can be called twice. */
  close(within: Ms): Promise<void>;
}

/**
 * The operator's programs. Never through a shell; what the cluster says reaches them only as environment variables named
 * HAAGENT_…, so that no name can become a command.
 */
export const createHooks = (deps: {
  readonly options: HookOptions;
  readonly processes: Processes;
  readonly clock: Clock;
  readonly log: Log;
}): Hooks => {
  const { options, processes, clock, log } = deps;
  const closing = new AbortController();
  let closed = false;
  let queue: Promise<void> = Promise.resolve();

  const runHook = async (
    name: HookName,
    facts: Readonly<Record<string, string>>,
    signal: AbortSignal,
  ): Promise<RunResult | undefined> => {
    const [file, ...args] = options.commands[name] ?? [];
    if (file === undefined) return undefined;
    const env = { ...options.environment, HAAGENT_HOOK: name, ...facts };
    const result = await processes.run({ file, args, env, timeout: options.timeout, signal });
    if (result.kind === 'exited' && result.code === 0)
      log.info('hook.done', `hook ${name} is done`, { hook: name, took_ms: Math.round(result.tookMs) });
    else log.warn('hook.failed', `hook ${name} (${file}) ${describe(result)}`, { hook: name });
    return result;
  };

  return {
    ask: async (name, facts, signal) => {
      const result = await runHook(name, facts, signal);
      if (result === undefined || (result.kind === 'exited' && result.code === 0)) return { kind: 'agreed' };
      return { kind: 'refused', why: `hook ${name} ${describe(result)}` };
    },
    tell: (name, facts) => {
      if (options.commands[name] === undefined || closed) return;
      queue = queue
        .then(async () => {
          await runHook(name, facts, closing.signal);
        })
        .catch((error: unknown) => log.error('hook.bug', `hook ${name} failed unexpectedly`, { err: error }));
    },
    close: async (within) => {
      closed = true;
      const cancel = clock.timer(within, () => closing.abort(new Error('the agent is closing')));
      await queue;
      cancel();
    },
  };
};

const describe = (result: RunResult): string => {
  switch (result.kind) {
    case 'exited':
      return `ended with ${result.code}: ${result.stderr.slice(-500).trim()}`;
    case 'killed':
      return `was killed by ${result.signal}`;
    case 'timed-out':
      return 'did not end in time and was killed';
    case 'aborted':
      return 'was aborted';
    case 'not-started':
      return `could not be started: ${result.why}`;
    default:
      return result satisfies never;
  }
};
