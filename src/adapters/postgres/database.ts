import { join } from 'node:path';
import type { Database, DatabaseEvent } from '../../ports/database.ts';
import type { GuardTarget } from '../../ports/guard.ts';
import { acknowledge } from './acknowledge.ts';
import { createAdmin } from './admin.ts';
import { endBlockers } from './blockers.ts';
import { clone } from './clone.ts';
import { barrier, checkpoint } from './commit.ts';
import { createConfiguration } from './configuration.ts';
import { configure } from './configure.ts';
import { passfileContent } from './conninfo.ts';
import { createControlFileReader } from './control-file.ts';
import { mapped } from './errors.ts';
import { createMissingLog } from './missing-log.ts';
import { fence } from './fence.ts';
import { follow } from './follow.ts';
import { createHistories } from './histories.ts';
import { initialize } from './initialize.ts';
import { createObserve } from './observe.ts';
import type { PostgresOptions } from './options.ts';
import type { Parts } from './parts.ts';
import { postgresPositions } from './positions.ts';
import { createPostmaster } from './postmaster.ts';
import { promote } from './promote.ts';
import { voterOf } from './receiver-names.ts';
import { obstacles, rewind } from './rewind.ts';
import { createPostgresSettings } from './settings.ts';
import { createDiskSpace } from '../engine/disk-space.ts';
import { createSite } from './site.ts';
import { createSlots } from './slots.ts';
import { createSlowFacts } from './slow-facts.ts';
import { start } from './start.ts';
import { stop } from './stop.ts';
import { stopReceiving } from './stop-receiving.ts';
import { createStreams } from './streams.ts';
import { createWriteProbe } from './write-probe.ts';

const createParts = (options: PostgresOptions): Parts => {
  const site = createSite(options, passfileContent(options));
  return {
    site,
    admin: createAdmin(site),
    postmaster: createPostmaster(site, options.dataDir),
    control: createControlFileReader(site, options.dataDir),
    histories: createHistories(options.dataDir),
    settings: createPostgresSettings(site),
    configuration: createConfiguration(site),
  };
};

/** PostgreSQL 13 to 18 (never run with 13, 14 and 16) behind the agent's port. Touches nothing until it is asked to. */
export const createPostgres = (options: PostgresOptions): Database => {
  const parts = createParts(options);
  const { admin, postmaster, control } = parts;
  const target: GuardTarget = {
    dataDir: options.dataDir,
    replicaMark: parts.site.paths.replicaMark,
    port: options.port,
    listen: options.listenHost,
    ...options.osUser,
  };
  const slots = createSlots(parts);
  const slowFacts = createSlowFacts(parts);
  const missingLog = createMissingLog(parts);
  const probe = createWriteProbe(parts.site, admin);
  const streams = createStreams(parts.site);
  const space = createDiskSpace(options.clock, [options.dataDir, join(options.dataDir, 'pg_wal')]);
  let rewindFaults = obstacles(undefined);
  postmaster.onExit(probe.reset);

  const observe = createObserve({
    ...parts,
    writeFailed: probe.failing,
    space,
    pendingRestart: slowFacts.pendingRestart,
    cautions: slowFacts.cautions,
    weakAcks: slowFacts.weakAcks,
    dropped: slowFacts.dropped,
    ownerOf: slots.ownerOf,
    voterOf: (receiver) => voterOf(receiver, slots.members()),
    streams,
    answered: (answer) => {
      slowFacts.tick();
      space.tick();
      missingLog.tick(answer);
      if (answer.primary !== null && !answer.readOnly) probe.tick();
    },
  });

  return {
    engine: 'postgresql',
    positions: postgresPositions,
    guardTarget: target,
    observe: async (step) => {
      const view = await observe(step);
      const found = view.kind === 'empty' || view.kind === 'unusable' ? undefined : control.last();
      if (found !== undefined) rewindFaults = obstacles(found);
      const missing = missingLog.found();
      return view.kind === 'running' && missing !== undefined ? { ...view, missingLog: missing } : view;
    },
    onEvent: (listener) => {
      const say = (kind: DatabaseEvent['kind']) => (): void => listener({ kind });
      const cancels = [
        postmaster.onExit(say('exited')),
        admin.onLost(say('connection-lost')),
        streams.onEnd(say('changed')),
      ];
      return () => {
        for (const cancel of cancels) cancel();
      };
    },
    initialize: (step) =>
      mapped('creating the database', step, async () => initialize(parts.site, await parts.settings.get(), step)),
    clone: (order) => mapped('copying the data', order, () => clone(parts.site, order)).finally(missingLog.forget),
    start: (order) => {
      probe.reset();
      return mapped('starting the database', order, () => start(parts, target, order)).finally(slowFacts.soon);
    },
    stop: (step) => mapped('stopping the database', step, () => stop(parts, step, streams.receiverHeardAgoMs)),
    fence: (step) => mapped('fencing the database', step, () => fence(parts, target, step)),
    endBlockers: (step) => mapped('ending the sessions that block replay', step, () => endBlockers(parts, step)),
    promote: (order) => mapped('promoting the database', order, () => promote(parts, target, order)),
    acknowledge: (order) => mapped('demanding acknowledgements', order, () => acknowledge(parts, order)),
    stopReceiving: (step) => mapped('ending the stream of the log', step, () => stopReceiving(parts, target, step)),
    barrier: (order) => mapped('committing the barrier', order, () => barrier(parts, order)),
    checkpoint: (step) => mapped('completing a checkpoint', step, () => checkpoint(parts, step)),
    follow: (order) =>
      mapped('changing the source', order, () => follow(parts, target, order)).finally(missingLog.forget),
    rewind: (order) => mapped('rewinding the data', order, () => rewind(parts, target, order)),
    rewindObstacles: () => rewindFaults,
    keepSlots: (order) => mapped('keeping the replication slots', order, () => slots.keep(order)),
    configure: (order) =>
      mapped('configuring the database', order, () => configure(parts, order)).finally(slowFacts.soon),
    close: async () => {
      probe.close();
      slowFacts.close();
      streams.close();
      missingLog.close();
      postmaster.close();
      admin.reset();
    },
  };
};
