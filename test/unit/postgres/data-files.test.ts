import { mkdir, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { offerSegments } from '../../../src/adapters/postgres/archive-status.ts';
import type { ControlFile } from '../../../src/adapters/postgres/control-file.ts';
import { createFiles } from '../../../src/adapters/engine/files.ts';
import { createHistories } from '../../../src/adapters/postgres/histories.ts';
import { parseTransactions } from '../../../src/adapters/postgres/lost-tail.ts';
import { lsnAt } from '../../../src/adapters/postgres/lsn.ts';
import { stoppedView } from '../../../src/adapters/postgres/stopped-view.ts';
import { placeholderHistory } from '../../../src/adapters/postgres/timeline-history.ts';

let folder: string;
beforeEach(async () => {
  folder = await mkdtemp('/tmp/haagent-pg-unit-');
  await mkdir(join(folder, 'pg_wal', 'archive_status'), { recursive: true });
});
afterEach(() => rm(folder, { recursive: true, force: true }));

const control = (change: Partial<ControlFile>): ControlFile => ({
  systemId: '71',
  state: 'shut down',
  checkpoint: lsnAt(0x3000028n),
  checkpointTimeline: 3,
  minRecoveryEnd: lsnAt(0n),
  minRecoveryTimeline: 0,
  checksums: true,
  walLogHints: true,
  segmentSize: 16_777_216,
  limits: {},
  ...change,
});

describe('a stopped server', () => {
  it.each([
    [
      'a clean primary ends one byte into its shutdown checkpoint',
      {},
      { cleanly: true, wasPrimary: true, generation: 3, lsn: '0/3000029' },
    ],
    [
      'a clean replica ends where it had applied',
      { state: 'shut down in recovery', minRecoveryEnd: lsnAt(0x4000000n), minRecoveryTimeline: 5 },
      { cleanly: true, wasPrimary: false, generation: 5, lsn: '0/4000000' },
    ],
    [
      'a crashed replica has at least what it had applied',
      { state: 'in archive recovery', minRecoveryEnd: lsnAt(0x4000000n), minRecoveryTimeline: 5 },
      { cleanly: false, wasPrimary: false, generation: 5, lsn: '0/4000000' },
    ],
    [
      'a crashed primary ends nobody knows where',
      { state: 'in production' },
      { cleanly: false, wasPrimary: true, generation: 3, lsn: undefined },
    ],
  ])('%s', async (_, change, { lsn, ...seen }) => {
    const view = await stoppedView(control(change), undefined, createHistories(folder), 0);
    expect(view).toMatchObject({ kind: 'stopped', ...seen });
    expect(view.kind === 'stopped' ? view.position?.['lsn'] : 'none').toBe(lsn);
  });

  it('with processes left over did not end cleanly', async () => {
    expect(await stoppedView(control({}), undefined, createHistories(folder), 2)).toMatchObject({ cleanly: false });
  });

  it('that is a copy begins where its label says, whatever the copied control file says', async () => {
    const label = 'START WAL LOCATION: 0/2000028 (file 000000030000000000000002)\nSTART TIMELINE: 3\n';
    expect(await stoppedView(control({ state: 'in production' }), label, createHistories(folder), 0)).toMatchObject({
      cleanly: true,
      wasPrimary: false,
      position: { timeline: 3, lsn: '0/2000028' },
    });
  });

  it('knows the history of its timeline, and takes no placeholder for one', async () => {
    await writeFile(join(folder, 'pg_wal', '00000003.history'), '1\t0/2000000\tx\n');
    await writeFile(join(folder, 'pg_wal', '00000002.history'), placeholderHistory(1));
    const histories = createHistories(folder);
    expect(await histories.of(3)).toEqual([{ timeline: 1, end: 0x2000000n }]);
    expect(await histories.of(2)).toEqual([]);
  });
});

describe('files', () => {
  it('that a replica called archived are offered to the new archiver, where they are still there and whole segments of its log', async () => {
    const status = join(folder, 'pg_wal', 'archive_status');
    const [present, gone] = ['000000010000000000000003', '000000010000000000000002'];
    // Timeline 1 was left for 3 in segment 5, and 3 for 4 in segment 7; the log ends in segment 9. Timeline 2 is no part of it.
    const pieces = ['000000010000000000000005', '000000030000000000000007', '000000040000000000000009'];
    const whole = ['000000030000000000000005', '000000030000000000000006', '000000040000000000000008'];
    const foreign = ['000000020000000000000004'];
    const also = [...pieces, ...whole, ...foreign];
    for (const name of [present, ...also]) await writeFile(join(folder, 'pg_wal', name), '');
    for (const name of also) await writeFile(join(status, `${name}.done`), '');
    const history = [
      { timeline: 1, end: lsnAt(0x5abcdefn) },
      { timeline: 3, end: lsnAt(0x7000028n) },
    ];
    for (const name of [`${present}.done`, `${gone}.done`, '00000002.history.done', 'rubbish.done'])
      await writeFile(join(status, name), '');
    const end = { timeline: 4, lsn: lsnAt(0x9000100n), history, segmentSize: 16 * 1024 ** 2 };
    expect(await offerSegments(folder, end)).toBe(4);
    expect((await readdir(status)).toSorted()).toEqual(
      [
        `${gone}.done`,
        `${present}.ready`,
        '00000002.history.done',
        'rubbish.done',
        ...[...pieces, ...foreign].map((name) => `${name}.done`),
        ...whole.map((name) => `${name}.ready`),
      ].toSorted(),
    );
  });

  it('are replaced as a whole, also over what an interrupted write left', async () => {
    const files = createFiles();
    const path = join(folder, 'x');
    await writeFile(`${path}.new`, 'half');
    await files.write(path, 'whole');
    expect(await readFile(path, 'utf8')).toBe('whole');
    expect(await readdir(folder)).not.toContain('x.new');
    await files.remove(path);
    await files.remove(path);
  });
});

describe('a dropped end of a log', () => {
  it('is a list of transactions, in the words of PostgreSQL’s own reader', () => {
    const line = (xid: number, desc: string) =>
      `rmgr: Transaction len (rec/tot):     34/    34, tx:  ${xid}, lsn: 0/0${xid}F28, prev 0/01514EF0, desc: ${desc}`;
    const printed = [
      line(735, 'COMMIT 2026-11-25 15:36:05.123456 UTC'),
      line(736, 'ABORT 2026-11-25 15:36:06.000001 UTC'),
      line(737, 'COMMIT 2026-11-25 15:36:07.5 UTC; inval msgs: catcache 80 catcache 79 relcache 16384'),
      line(738, 'PREPARE gid x; y: 2026-11-25 15:36:08.5 UTC'),
      line(0, 'COMMIT_PREPARED 738: 2026-11-25 15:36:09.5 UTC'),
      line(739, 'INVALIDATION ; inval msgs: catcache 80'),
      'pg_waldump: error: error in WAL record at 0/1515060: invalid record length',
    ].join('\n');
    expect(parseTransactions(printed)).toEqual([
      { xid: '735', lsn: '0/0735F28', outcome: 'commit', at: '2026-11-25 15:36:05.123456 UTC' },
      { xid: '736', lsn: '0/0736F28', outcome: 'abort', at: '2026-11-25 15:36:06.000001 UTC' },
      { xid: '737', lsn: '0/0737F28', outcome: 'commit', at: '2026-11-25 15:36:07.5 UTC' },
      { xid: '738', lsn: '0/0738F28', outcome: 'prepare', at: undefined },
      { xid: '0', lsn: '0/00F28', outcome: 'commit', at: '2026-11-25 15:36:09.5 UTC' },
    ]);
    expect(parseTransactions('')).toEqual([]);
  });
});
