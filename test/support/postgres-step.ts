import { chmodSync, mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { ms } from '../../src/core/brand.ts';
import { createClock } from '../../src/adapters/os/clock.ts';
import { createProcesses } from '../../src/adapters/os/processes.ts';
import { createPostgres } from '../../src/adapters/postgres/database.ts';
import type { Log } from '../../src/ports/log.ts';

/**
 * One step of a member in a process of its own, slow enough to be killed in the middle: the writing program is held up by
 * a script in front of it.
 */
const order = JSON.parse(process.env['STEP'] ?? '{}');
const silent = (): void => undefined;
const log: Log = { debug: silent, info: silent, warn: silent, error: silent, child: () => log };
const clock = createClock();

const slowBin = join(order.options.stateDir, 'slow-bin');
mkdirSync(slowBin, { recursive: true, mode: 0o755 });
for (const program of ['postgres', 'initdb', 'pg_basebackup', 'pg_rewind', 'pg_controldata', 'pg_waldump']) {
  const real = join(order.options.binDir, program);
  const slow =
    program === 'pg_rewind'
      ? `case "$*" in *dry-run*) exec ${real} "$@";; *) sleep 30;; esac`
      : program === 'pg_basebackup'
        ? `exec ${real} "$@" --max-rate=200k`
        : `exec ${real} "$@"`;
  writeFileSync(join(slowBin, program), `#!/bin/sh\n${slow}\n`);
  chmodSync(join(slowBin, program), 0o755);
}

const database = createPostgres({
  ...order.options,
  binDir: slowBin,
  clock,
  processes: createProcesses({ clock }),
  log,
});
const step = { signal: new AbortController().signal, timeout: ms(60_000) };
await (order.what === 'clone'
  ? database.clone({ ...step, from: order.from, systemId: order.systemId })
  : database.rewind({ ...step, from: order.from }));
