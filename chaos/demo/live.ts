import { setTimeout as sleep } from 'node:timers/promises';
import { createLab } from '../lab/process-lab.ts';
import type { Lab } from '../lab/lab.ts';
import type { EngineName } from '../lab/server.ts';
import { PRODUCTS } from './scenario.ts';
import { drawTopology, howToBreakIt, writeCtl } from './screen.ts';

const EVERY_MS = 500;
const CLEAR = '\u001B[H\u001B[J';

const now = (): string => new Date().toTimeString().slice(0, 8);

/** Shows the cluster until `signal`: redrawn in place on a terminal, else a new picture whenever something changed. */
const show = async (lab: Lab, signal: AbortSignal): Promise<void> => {
  const terminal = process.stdout.isTTY;
  let last = '';
  while (!signal.aborted) {
    const views = await lab.observe();
    const picture = drawTopology(lab, views);
    if (terminal) process.stdout.write(`${CLEAR}${now()}  ${picture}\n${howToBreakIt(lab, views)}\n`);
    else if (picture !== last) process.stdout.write(`${now()}  ${picture}\n`);
    last = picture;
    await sleep(EVERY_MS, undefined, { signal }).catch(() => undefined);
  }
};

/** Runs a cluster of three until interrupted. Returns the exit code. */
export const runLiveDemo = async (options: {
  readonly engine: EngineName;
  readonly ttlMs: number;
  readonly signal: AbortSignal;
}): Promise<number> => {
  const { signal } = options;
  const lab = await createLab({
    engine: options.engine,
    members: 3,
    ttlMs: options.ttlMs,
    fixedPorts: true,
    restartAfterMs: 100,
  });
  const interrupt = (): void => void lab.stop();
  signal.addEventListener('abort', interrupt);
  const run = async (): Promise<void> => {
    console.log(
      `starting etcd, HAProxy and three ${PRODUCTS[options.engine]} servers, each with its agent, in ${lab.dir}`,
    );
    writeCtl(lab);
    await lab.start();
    await lab.waitForHealthy({ deadlineMs: 120_000 });
    if (!process.stdout.isTTY) console.log(howToBreakIt(lab, await lab.observe()));
    await show(lab, signal);
  };
  try {
    signal.throwIfAborted();
    await run();
    return 0;
  } catch (error) {
    if (signal.aborted) return 0;
    console.error(`the demo could not go on: ${String(error)}`);
    return 1;
  } finally {
    signal.removeEventListener('abort', interrupt);
    await lab.stop();
    console.log('every process of the demo has ended, and its files are gone');
  }
};
