import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { clusterTable, topologyTree } from '../../../src/ctl/cluster-view.ts';
import { haproxyConfig } from '../../../src/ctl/haproxy-config.ts';
import type { Io } from '../../../src/ctl/io.ts';
import { createPrinter } from '../../../src/ctl/printer.ts';
import { drawTable } from '../../../src/ctl/table.ts';
import type { ClusterDocument } from '../../../src/state/cluster-document.ts';
import { name } from '../api/support.ts';

const golden = (file: string): string => join(import.meta.dirname, 'golden', file);

const io = (over: Partial<Io> = {}): Io & { readonly said: { out: string; err: string } } => {
  const said = { out: '', err: '' };
  return {
    said,
    out: (text) => void (said.out += text),
    err: (text) => void (said.err += text),
    outIsTerminal: false,
    errIsTerminal: false,
    inIsTerminal: false,
    ask: async () => undefined,
    edit: async () => undefined,
    readFile: () => '',
    env: {},
    wall: () => 0,
    signal: new AbortController().signal,
    ...over,
  };
};

export const sample: ClusterDocument = {
  members: [
    {
      name: 'db1',
      role: 'leader',
      state: 'running',
      api_url: 'http://10.0.0.1:8010/patroni',
      host: '10.0.0.1',
      port: 5432,
      timeline: 3,
      tags: {},
      lag: 0,
    },
    {
      name: 'db2',
      role: 'quorum_standby',
      state: 'streaming',
      api_url: 'http://10.0.0.2:8010/patroni',
      host: '10.0.0.2',
      port: 5432,
      timeline: 3,
      tags: { clonefrom: true },
      lag: 1_572_864,
      pending_restart: true,
    },
    {
      name: 'db3',
      role: 'replica',
      state: 'in archive recovery',
      api_url: 'https://agents.example:8011/patroni',
      host: 'db3.example',
      port: 5433,
      timeline: 3,
      tags: { replicatefrom: 'db2', nofailover: true, zone: 'b' },
      lag: 'unknown',
      scheduled_restart: { schedule: '2027-01-01T04:00:00.000+00:00' },
    },
    {
      name: 'db4',
      role: 'replica',
      state: 'stopped',
      api_url: 'http://[fd00::4]:8010/patroni',
      host: 'fd00::4',
      port: 5432,
      timeline: 0,
      tags: {},
      lag: 512,
    },
  ],
  scope: 'demo',
  pause: true,
  scheduled_switchover: { at: '2027-01-01T03:00:00.000+00:00', from: 'db1', to: 'db2' },
};

describe('what is printed', () => {
  const print = createPrinter(io(), 'table');
  test('list', async () => {
    await expect(`${clusterTable(sample, print)}\n`).toMatchFileSnapshot(golden('list.txt'));
  });
  test('list of a cluster without members', async () => {
    await expect(
      `${clusterTable({ members: [], scope: 'a-very-long-name-of-a-cluster-that-nobody-would-give' }, print)}\n`,
    ).toMatchFileSnapshot(golden('list-empty.txt'));
  });
  test('list on a terminal has colours that do not move the columns', async () => {
    const coloured = clusterTable(sample, createPrinter(io({ outIsTerminal: true }), 'table'));
    expect(coloured).toContain('\u001B[');
    // oxlint-disable-next-line no-control-regex
    expect(coloured.replaceAll(/\u001B\[\d+m/g, '')).toBe(clusterTable(sample, print));
  });
  test('NO_COLOR is respected', () => {
    const plain = clusterTable(sample, createPrinter(io({ outIsTerminal: true, env: { NO_COLOR: '1' } }), 'table'));
    expect(plain).not.toContain('\u001B[');
  });
  test('topology', async () => {
    await expect(`${topologyTree(sample, print)}\n`).toMatchFileSnapshot(golden('topology.txt'));
  });
  test('members that replicate from each other, or from nobody, are shown once', () => {
    const [a, b] = [sample.members[1]!, sample.members[2]!];
    const loop = {
      scope: 'x',
      members: [
        { ...a, tags: { replicatefrom: 'db3' } },
        { ...b, tags: { replicatefrom: 'db2' } },
      ],
    };
    const tree = topologyTree(loop, print);
    expect(tree.match(/db2/g)).toHaveLength(1);
    expect(tree.match(/db3/g)).toHaveLength(1);
  });
  test('haproxy-config', async () => {
    await expect(haproxyConfig(sample)).toMatchFileSnapshot(golden('haproxy.cfg'));
  });
  test('a table without rows, and with wide ones', () => {
    expect(drawTable('T', ['A', 'B'], [['1', 'longer than its head']])).toBe(
      [
        '+ T +----------------------+',
        '| A | B                    |',
        '+---+----------------------+',
        '| 1 | longer than its head |',
        '+---+----------------------+',
      ].join('\n'),
    );
  });
});

describe('messages', () => {
  const refusal = {
    kind: 'refused',
    code: 'refused',
    message: 'db2 cannot take over.',
    details: ['because'],
    candidates: [
      {
        name: name('db2'),
        eligible: false,
        rank: undefined,
        lag: 5,
        reasons: [{ code: 'lag', text: 'it lacks 5 bytes', blocks: true }],
      },
    ],
    hint: 'wait',
  } as const;
  test('ERROR, DETAIL and HINT go to standard error', () => {
    const there = io();
    createPrinter(there, 'table').refused(refusal);
    expect(there.said).toEqual({
      out: '',
      err: 'ERROR: db2 cannot take over.\nDETAIL: because\nDETAIL: db2 cannot lead: it lacks 5 bytes\nHINT: wait\n',
    });
  });
  test('programs get them as well', () => {
    const there = io();
    createPrinter(there, 'json').refused(refusal);
    expect(JSON.parse(there.said.out)).toMatchObject({ error: { code: 'refused', hint: 'wait' } });
  });
  test('progress is one line on a terminal, and gone when something else is said', () => {
    const there = io({ errIsTerminal: true, env: { NO_COLOR: '1' } });
    const print = createPrinter(there, 'table');
    print.progress('waiting 1');
    print.progress('waiting 2');
    print.notice('done');
    expect(there.said.err).toBe('\r\u001B[Kwaiting 1\r\u001B[Kwaiting 2\r\u001B[KNOTICE: done\n');
  });
});
