import { stat } from 'node:fs/promises';
import { ms } from '../../core/brand.ts';
import type { DatabaseView, LostTail } from '../../core/database.ts';
import { StepError } from '../../core/errors.ts';
import { elapsedAtMost, type Instant } from '../../core/instant.ts';
import type { Step } from '../../ports/database.ts';
import type { ProcessInfo } from '../../ports/processes.ts';
import { budgetOf, type Budget } from '../engine/budget.ts';
import type { DiskSpace } from '../engine/disk-space.ts';
import { fileErrorCode, ifMissing } from '../engine/files.ts';
import { unfinished } from '../engine/markers.ts';
import { inspectDirectory } from './data-directory.ts';
import { saidBy } from './errors.ts';
import { askFacts, type Facts } from './facts.ts';
import { readIdentity } from './identity.ts';
import type { Parts } from './parts.ts';
import { createReceiverWatch } from './receiver-watch.ts';
import { createSenderWatch } from './sender-watch.ts';
import { errnoOf } from './session.ts';
import { stoppedView } from './stopped-view.ts';
import { runningView } from './view.ts';

export interface ObserveDeps extends Parts {
  /** What the last small write met, when it failed. */
  readonly writeFailed: () => string | undefined;
  readonly space: Pick<DiskSpace, 'full' | 'scarce'>;
  readonly pendingRestart: () => readonly string[];
  readonly dropped: () => LostTail | undefined;
  /** Told of every answer: for what need not be asked each time. */
  readonly answered: (facts: Facts, promoted: boolean) => void;
}

/** The server takes no queries yet: its socket is not there, or it is shutting down (1053). */
const NO_SOCKET: ReadonlySet<string> = new Set(['ENOENT', 'ECONNREFUSED', 'ECONNRESET', 'EPIPE']);
const NOT_YET: ReadonlySet<number> = new Set([1053]);

/** Made once for a database; remembers since when it has not answered. */
export const createObserve = (deps: ObserveDeps): ((step: Step) => Promise<DatabaseView>) => {
  const { site, admin, server, settings } = deps;
  const { clock, processes } = site.options;
  const receiverWatch = createReceiverWatch(clock);
  const senderWatch = createSenderWatch(clock);
  let silentSince: Instant | undefined;
  /** A server that answered once is not starting any more. */
  let answered: string | undefined;
  let started: { readonly key: string; readonly at: number; readonly weak: number } | undefined;

  const keyOf = (process: ProcessInfo): string => `${process.pid} ${process.startTime}`;

  const unresponsive = async (why: string): Promise<DatabaseView> => {
    silentSince ??= clock.now();
    return {
      kind: 'unresponsive',
      systemId: (await readIdentity(site).catch(() => undefined)) ?? '',
      forMs: ms(elapsedAtMost(silentSince, clock.now())),
      why,
    };
  };

  const running = async (process: ProcessInfo, budget: Budget): Promise<DatabaseView> => {
    const facts = await askFacts(deps, budget.part());
    const replicas = await admin.rows(budget.part(), facts.dialect.connectedReplicas);
    const senders = await admin.rows(budget.part(), facts.dialect.senders);
    const { source, demand, config } = await settings.get();
    const promoted = (await stat(site.paths.replicaMark).catch(ifMissing)) === undefined;
    if (started?.key !== keyOf(process))
      started = {
        key: keyOf(process),
        at: clock.wall() - facts.uptimeSeconds * 1_000,
        weak: started === undefined ? facts.demanded.weak : 0,
      };
    deps.answered(facts, promoted);
    return runningView(facts, {
      systemId: (await readIdentity(site)) ?? '',
      source,
      demand,
      mayVote: config?.synchronous?.mayVote === true,
      credentials: site.options.credentials,
      sent: senderWatch(senders),
      weakAcks: facts.demanded.weak - started.weak,
      dropped: deps.dropped(),
      promoted,
      writeFailed: deps.writeFailed(),
      full: deps.space.full(),
      scarce: deps.space.scarce(),
      pendingRestart: deps.pendingRestart(),
      replicas,
      receiver: receiverWatch(facts),
      startedAt: started.at,
    });
  };

  const observeServer = async (process: ProcessInfo, budget: Budget): Promise<DatabaseView> => {
    if (process.state === 'T' || process.state === 't')
      return unresponsive(`the server (pid ${process.pid}) is stopped (SIGSTOP or a debugger)`);
    try {
      const view = await running(process, budget);
      silentSince = undefined;
      answered = keyOf(process);
      return view;
    } catch (error) {
      const said = saidBy(error);
      if (!processes.alive(process)) return observeStopped(budget);
      const early = NOT_YET.has(errnoOf(error) ?? 0) || NO_SOCKET.has(fileErrorCode(error) ?? '');
      if (early && answered !== keyOf(process))
        return {
          kind: 'starting',
          systemId: (await readIdentity(site)) ?? '',
          progress: `${await server.progress()}; ${said}`,
        };
      return unresponsive(error instanceof StepError ? `no answer: ${said}` : said);
    }
  };

  const observeStopped = async (budget: Budget): Promise<DatabaseView> => {
    silentSince = undefined;
    const step = await unfinished(site);
    if (step !== undefined) return { kind: 'incomplete', step };
    const directory = await inspectDirectory(site);
    return directory.kind === 'data' ? stoppedView(site, budget.part()) : directory;
  };

  return async (step) => {
    const budget = budgetOf(clock, step);
    try {
      const process = server.find();
      return await (process === undefined ? observeStopped(budget) : observeServer(process, budget));
    } catch (error) {
      return unresponsive(`observing failed: ${saidBy(error)}`);
    }
  };
};
