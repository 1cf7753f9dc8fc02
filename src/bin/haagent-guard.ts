#!/usr/bin/env node
import { readFileSync, rmSync, writeFileSync } from 'node:fs';
import { constants, setPriority } from 'node:os';
import { runAside } from '../adapters/os/aside.ts';
import { createClock } from '../adapters/os/clock.ts';
import { fenceTree } from '../adapters/os/fence.ts';
import { readStat } from '../adapters/os/proc.ts';
import { createProcessTable } from '../adapters/os/process-table.ts';
import { after, remaining, type Instant } from '../core/instant.ts';
import { ms } from '../core/brand.ts';
import { parseArguments, USAGE, type GuardArguments } from '../guard/arguments.ts';
import { createCutter, type Cutter } from '../guard/cutter.ts';
import { complete, createGuardRunner } from '../guard/guard.ts';
import { createGuardLog } from '../guard/log.ts';
import { createPortCut, CUT_TIMEOUT } from '../guard/port-cut.ts';
import { createProbe } from '../guard/probe.ts';
import { createGuardServer } from '../guard/server.ts';
import { createStateFile } from '../guard/state-file.ts';
import { bornWith, initialModel } from '../guard/state.ts';
import { createWatchdog } from '../guard/watchdog.ts';

/** Between two looks at whether the socket still leads here. */
const PLACE_CHECK = ms(1_000);

/** Exit codes: 0 asked to end, 1 failed, 2 wrong usage, 3 another guard is there. */
const main = async (options: GuardArguments): Promise<void> => {
  const { socket, stateFile: statePath, target, fenceBudget, token, order, port } = options;
  const clock = createClock();
  const log = createGuardLog(() => clock.wall());
  const processes = createProcessTable((path) => path);
  const probe = createProbe({ clock, processes, target });
  const bootId = readFileSync('/proc/sys/kernel/random/boot_id', 'utf8').trim();
  const stateFile = createStateFile({ path: statePath, bootId, token, fenceBudget });
  const pidFile = `${socket}.pid`;

  const server = createGuardServer({ path: socket, clock, answer: (line) => runner.receive(line) });
  let failed = false;
  let nextCheck = clock.now();
  const housekeeping = (now: Instant): void => {
    if (remaining(nextCheck, now) > 0) return;
    nextCheck = after(now, PLACE_CHECK);
    const place = server.place();
    if (place === 'gone') void server.listen().catch(fatal);
    if (place === 'taken') {
      log('guard.replaced', { socket });
      process.exit(0);
    }
  };

  if ((await server.listen()) === 'occupied') {
    log('guard.occupied', { socket, why: 'another guard listens at this socket' });
    process.exit(3);
  }
  const loaded = stateFile.load(clock.now());
  const left = initialModel(token, loaded.saved);
  const model = order === undefined ? left : bornWith(left, complete(order, fenceBudget), clock.now());
  if (model !== left) stateFile.save(model, clock.now());
  const watchdog = createWatchdog(options.watchdog, model.armed !== undefined, (why) => log('guard.watchdog', { why }));
  const cutter: Cutter | undefined =
    port &&
    createCutter({
      clock,
      port: port.port,
      cut: createPortCut(port, target.dataDir, (command) => runAside(clock, { ...command, timeout: CUT_TIMEOUT })),
      patience: fenceBudget / 2,
      tree: () => processes.within(probe.dataDir()),
      alive: processes.alive,
      log,
    });
  const runner = createGuardRunner(model, {
    clock,
    target,
    fenceBudget,
    probe,
    stateFile,
    watchdog,
    log,
    housekeeping,
    broadcast: (message) => server.broadcast(message),
    cutter,
    fence: () =>
      fenceTree({
        processes,
        clock,
        target: { ...target, dataDir: probe.dataDir() },
        timeout: fenceBudget,
        signal: new AbortController().signal,
      }),
    exit: (last) => {
      if (last.armed === undefined && last.phase !== 'stood-down') stateFile.remove();
      server.close();
      rmSync(pidFile, { force: true });
      process.exit(failed ? 1 : 0);
    },
  });

  const fatal = (error: unknown): void => {
    log('guard.failed', { error: error instanceof Error ? (error.stack ?? error.message) : String(error) });
    failed = true;
    runner.terminate();
  };
  process.on('uncaughtException', fatal);
  process.on('SIGCONT', () => runner.wake());
  process.on('SIGTERM', () => runner.terminate());
  for (const ignored of ['SIGINT', 'SIGHUP', 'SIGPIPE'] as const) process.on(ignored, () => undefined);

  writeFileSync(pidFile, `${process.pid} ${readStat(process.pid)?.startTime ?? ''}\n`, { mode: 0o600 });
  log('guard.started', {
    dataDir: target.dataDir,
    term: model.armed?.term,
    state: loaded.saved === undefined ? loaded.problem : 'taken over',
  });
  runner.start();
};

/** The last process to be killed on a machine short of memory, the first to run on a busy one: where that is permitted. */
const protect = (): void => {
  for (const measure of [
    () => writeFileSync('/proc/self/oom_score_adj', '-1000'),
    () => setPriority(constants.priority.PRIORITY_HIGHEST),
  ])
    try {
      measure();
    } catch {
      // Without the capability it works all the same.
    }
};

const parsed = parseArguments(process.argv.slice(2), process.env);
if ('problem' in parsed) {
  console.error(`haagent-guard: ${parsed.problem}\n${USAGE}`);
  process.exitCode = 2;
} else {
  process.chdir('/');
  protect();
  await main(parsed.arguments);
}
