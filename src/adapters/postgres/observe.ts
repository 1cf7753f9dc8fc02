import { join } from 'node:path';
import { ms } from '../../core/brand.ts';
import type { DatabaseView, LostTail } from '../../core/database.ts';
import { StepError } from '../../core/errors.ts';
import { elapsedAtMost, type Instant } from '../../core/instant.ts';
import type { Step } from '../../ports/database.ts';
import type { ProcessInfo } from '../../ports/processes.ts';
import type { Admin } from './admin.ts';
import { stateOf, type ControlFileReader } from './control-file.ts';
import { inspectDirectory } from './data-directory.ts';
import type { DiskSpace } from '../engine/disk-space.ts';
import { budgetOf, type Budget } from '../engine/budget.ts';
import { fileErrorCode, readIfThere } from '../engine/files.ts';
import type { Histories } from './histories.ts';
import { unfinished } from '../engine/markers.ts';
import { isPristine } from '../engine/pristine.ts';
import type { Postmaster } from './postmaster.ts';
import { parseRunning, RUNNING, type RunningAnswer } from './running-query.ts';
import { sqlStateOf } from './session.ts';
import type { PostgresSettingsStore } from './settings.ts';
import type { Site } from './site.ts';
import { stoppedView } from './stopped-view.ts';
import type { Streams } from './streams.ts';
import { runningView } from './view.ts';

export interface ObserveDeps {
  readonly site: Site;
  readonly admin: Admin;
  readonly postmaster: Postmaster;
  readonly control: ControlFileReader;
  readonly histories: Histories;
  readonly settings: PostgresSettingsStore;
  /** What the last small write met, when it failed. */
  readonly writeFailed: () => string | undefined;
  readonly space: Pick<DiskSpace, 'full' | 'scarce'>;
  readonly pendingRestart: () => readonly string[];
  readonly cautions: () => readonly string[];
  readonly weakAcks: () => number | undefined;
  readonly dropped: () => LostTail | undefined;
  readonly ownerOf: (slot: string) => string | undefined;
  readonly voterOf: (receiver: string) => string;
  readonly streams: Streams;
  /** Told of every answer: for the slower questions that need not be asked each time. */
  readonly answered: (answer: RunningAnswer) => void;
}

/** The server takes no queries yet, or not any more: starting, recovering or shutting down. */
const NOT_YET: ReadonlySet<string> = new Set(['57P03']);
const NO_SOCKET: ReadonlySet<string> = new Set(['ENOENT', 'ECONNREFUSED', 'ECONNRESET', 'EPIPE']);

/** Made once for a database; remembers since when it has not answered and what it need not ask again. */
export const createObserve = (deps: ObserveDeps): ((step: Step) => Promise<DatabaseView>) => {
  const { site, admin, postmaster, control, histories, settings } = deps;
  const { clock, processes, dataDir } = site.options;
  let silentSince: Instant | undefined;
  let identified: { readonly key: string; readonly value: { timeline: number; lsn: bigint } } | undefined;

  const systemId = async (budget: Budget): Promise<string> => (await control.read(budget.part()))?.systemId ?? '';

  const unresponsive = async (why: string, budget: Budget): Promise<DatabaseView> => {
    silentSince ??= clock.now();
    return {
      kind: 'unresponsive',
      systemId: await systemId(budget).catch(() => ''),
      forMs: ms(elapsedAtMost(silentSince, clock.now())),
      why,
    };
  };

  const running = async (server: ProcessInfo, budget: Budget): Promise<DatabaseView> => {
    const asked = clock.now();
    const [row] = await admin.look(budget.part(), RUNNING);
    const answer = parseRunning(row?.['view']);
    const { source, config } = await settings.get();
    deps.streams.saw(answer, asked, config?.synchronous !== undefined);
    deps.answered(answer);
    const { replica } = answer;
    const key = `${server.pid} ${server.startTime} ${replica?.received} ${replica?.applied}`;
    return runningView(answer, {
      source,
      writeFailed: deps.writeFailed(),
      full: deps.space.full(),
      scarce: deps.space.scarce(),
      pendingRestart: deps.pendingRestart(),
      cautions: deps.cautions(),
      weakAcks: deps.weakAcks(),
      dropped: deps.dropped(),
      histories,
      ownerOf: deps.ownerOf,
      voterOf: deps.voterOf,
      streams: deps.streams,
      identify: async () => {
        if (identified?.key !== key) identified = { key, value: await admin.identify(budget.part()) };
        return identified.value;
      },
    });
  };

  const starting = async (said: string, budget: Budget): Promise<DatabaseView> => ({
    kind: 'starting',
    systemId: await systemId(budget),
    progress: [await postmaster.progress(), said].filter((text) => text !== '').join('; '),
  });

  const observeServer = async (server: ProcessInfo, budget: Budget): Promise<DatabaseView> => {
    if (server.state === 'T' || server.state === 't')
      return unresponsive(`the server (pid ${server.pid}) is stopped (SIGSTOP or a debugger)`, budget);
    try {
      const view = await running(server, budget);
      silentSince = undefined;
      return view;
    } catch (error) {
      const said = error instanceof Error ? error.message : String(error);
      if (!processes.alive(server)) return observeStopped(budget);
      const status = await postmaster.status();
      if (status === 'stopping') return unresponsive('it is shutting down', budget);
      const early = NOT_YET.has(sqlStateOf(error) ?? '') || NO_SOCKET.has(fileErrorCode(error) ?? '');
      if (early && status !== 'ready') return starting(said, budget);
      return unresponsive(error instanceof StepError ? `no answer: ${said}` : said, budget);
    }
  };

  const observeStopped = async (budget: Budget): Promise<DatabaseView> => {
    silentSince = undefined;
    const step = await unfinished(site);
    if (step !== undefined) return { kind: 'incomplete', step };
    const directory = await inspectDirectory(site, budget.part());
    if (directory.kind !== 'data') return directory;
    const found = await control.read(budget.part());
    if (found === undefined)
      return {
        kind: 'unusable',
        why: `${dataDir} has no readable control file (global/pg_control): restore or empty it`,
      };
    histories.forget();
    const label = await readIfThere(join(dataDir, 'backup_label'));
    const view = await stoppedView(found, label, histories, processes.within(dataDir).length);
    return view.kind === 'stopped' && (await isPristine(site, stateOf(found))) ? { ...view, pristine: true } : view;
  };

  return async (step) => {
    const budget = budgetOf(clock, step);
    try {
      const server = await postmaster.find();
      return await (server === undefined ? observeStopped(budget) : observeServer(server, budget));
    } catch (error) {
      return unresponsive(`observing failed: ${error instanceof Error ? error.message : String(error)}`, budget);
    }
  };
};
