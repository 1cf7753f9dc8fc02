import { StepError } from '../../core/errors.ts';
import type { Database, DatabaseEvent } from '../../ports/database.ts';
import type { GuardTarget } from '../../ports/guard.ts';
import { budgetOf } from '../engine/budget.ts';
import { createDiskSpace } from '../engine/disk-space.ts';
import { createDroppedLogs } from '../engine/dropped-logs.ts';
import { acknowledge } from './acknowledge.ts';
import { createAdmin } from './admin.ts';
import { clone } from './clone.ts';
import { barrier, checkpoint } from './commit.ts';
import { createConfiguration } from './configuration.ts';
import { configure } from './configure.ts';
import { donate } from './donate.ts';
import { mapped } from './errors.ts';
import { fence } from './fence.ts';
import { forgets } from './forgets.ts';
import { endReceiver, follow, untilApplied } from './follow.ts';
import { initialize } from './initialize.ts';
import { createObserve } from './observe.ts';
import { createNudge } from './nudge.ts';
import type { MysqlOptions } from './options.ts';
import type { Parts } from './parts.ts';
import { createPendingRestart } from './pending-restart.ts';
import { mariadbPositions, mysqlPositions } from './positions.ts';
import { promote } from './promote.ts';
import { createServer } from './server.ts';
import { createMysqlSettings } from './settings.ts';
import { createSite } from './site.ts';
import { start } from './start.ts';
import { stop } from './stop.ts';
import { keepReplicating } from './upkeep.ts';
import { createWriteProbe } from './write-probe.ts';

const createParts = (options: MysqlOptions): Parts => {
  const site = createSite(options);
  return {
    site,
    admin: createAdmin(site),
    server: createServer(site, options.dataDir),
    settings: createMysqlSettings(site),
    configuration: createConfiguration(site),
  };
};

/** MySQL and MariaDB behind the agent's port. Touches nothing until it is asked to. */
export const createMysql = (options: MysqlOptions): Database => {
  const parts = createParts(options);
  const { admin, server, site } = parts;
  const target: GuardTarget = {
    dataDir: options.dataDir,
    replicaMark: site.paths.replicaMark,
    port: options.port,
    listen: options.listenHost,
    ...options.osUser,
  };
  const probe = createWriteProbe(site, admin);
  const pending = createPendingRestart(parts);
  const dropped = createDroppedLogs(site);
  const nudge = createNudge(parts);
  const space = createDiskSpace(options.clock, [options.dataDir]);
  server.onExit(probe.reset);

  const observe = createObserve({
    ...parts,
    writeFailed: probe.failing,
    space,
    pendingRestart: pending.names,
    dropped: dropped.last,
    answered: (facts, promoted) => {
      pending.tick();
      space.tick();
      dropped.read().catch((error: unknown) =>
        options.log.debug('database.dropped_unknown', 'what was dropped last could not be read', {
          reason: String(error),
        }),
      );
      if (promoted && !facts.readOnly) {
        probe.tick();
        nudge.tick(facts);
      }
    },
  });

  return {
    engine: options.engine,
    positions: options.engine === 'mariadb' ? mariadbPositions : mysqlPositions,
    guardTarget: target,
    observe,
    onEvent: (listener) => {
      const say = (kind: DatabaseEvent['kind']) => (): void => listener({ kind });
      const cancels = [server.onExit(say('exited')), admin.onLost(say('connection-lost'))];
      return () => {
        for (const cancel of cancels) cancel();
      };
    },
    initialize: (step) => mapped('creating the database', step, () => initialize(site, step)),
    clone: (order) => mapped('copying the data', order, () => clone(site, order)),
    donate: (step) => donate(parts, step),
    forgets: (step) => mapped('looking at how the database ended', step, () => forgets(parts, step)),
    start: (order) => mapped('starting the database', order, () => start(parts, target, order)),
    stop: (step) => mapped('stopping the database', step, () => stop(parts, step)),
    fence: (step) => mapped('fencing the database', step, () => fence(parts, target, step)),
    // Sessions do not keep the applier of these engines waiting for longer than their locks; the promotion waits for it.
    endBlockers: async () => 0,
    promote: (order) => mapped('promoting the database', order, () => promote(parts, target, order)),
    acknowledge: (order) => mapped('changing what commits wait for', order, () => acknowledge(parts, order)),
    stopReceiving: (step) =>
      mapped('ending the receiver', step, async () => {
        await parts.settings.set({ source: undefined });
        // Applied, it can be compared with what others have, to the last transaction of every writer.
        const budget = budgetOf(options.clock, step);
        await endReceiver(parts, budget);
        const facts = await untilApplied(parts, budget);
        return { position: facts.dialect.toPosition(facts.executed, facts.generation) };
      }),
    barrier: (order) => mapped('committing the barrier', order, () => barrier(parts, order)),
    checkpoint: (step) => mapped('writing changed pages', step, () => checkpoint(parts, step)),
    follow: (order) => mapped('changing the source', order, () => follow(parts, order)),
    rewind: async () => {
      throw new StepError(
        'cannot-rewind',
        `${options.engine} has no way to take back transactions: copy the data anew`,
      );
    },
    rewindObstacles: () => [`${options.engine} has no way to take back transactions`],
    keepSlots: (order) => mapped('looking after the replication', order, () => keepReplicating(parts, order)),
    configure: (order) =>
      mapped('configuring the database', order, () => configure(parts, order)).finally(pending.soon),
    close: async () => {
      probe.close();
      nudge.close();
      pending.close();
      server.close();
      admin.reset();
    },
  };
};
