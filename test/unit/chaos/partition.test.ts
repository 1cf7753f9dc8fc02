import { expect, test } from 'vitest';
import { renderFilter, type Filter } from '../../../chaos/lab/containers/cuts.ts';
import type { ContainerHost } from '../../../chaos/lab/containers/host.ts';
import { createPartition } from '../../../chaos/lab/containers/partition.ts';

const WRITERS = '10.0.0.1';

/** Hosts that note what they are told to drop. */
const hostsNamed = (names: readonly string[]) => {
  const dropped: Record<string, Filter> = {};
  const hosts: readonly ContainerHost[] = names.map((name, index) => ({
    name,
    address: `10.0.0.${11 + index}`,
    start: () => Promise.resolve(),
    kill: () => Promise.resolve(),
    freeze: () => Promise.resolve(),
    thaw: () => Promise.resolve(),
    filter: (filter) => {
      dropped[name] = filter;
      return Promise.resolve();
    },
  }));
  return { dropped, partition: createPartition(() => hosts, WRITERS) };
};

test('a cut loses packets in one direction, where they arrive', async () => {
  const { dropped, partition } = hostsNamed(['pg1', 'etcd1']);
  await partition.cut(['pg1'], ['etcd1']);
  expect(dropped).toEqual({
    pg1: { notFrom: [], notTo: [] },
    etcd1: { notFrom: ['10.0.0.11'], notTo: [] },
  });
});

test('what must not reach the writers is dropped where it leaves', async () => {
  const { dropped, partition } = hostsNamed(['pg1', 'proxy']);
  await partition.cut(['pg1'], ['clients']);
  expect(dropped['pg1']).toEqual({ notFrom: [], notTo: [WRITERS] });
  expect(dropped['proxy']).toEqual({ notFrom: ['10.0.0.11'], notTo: [] });
});

test('cuts add up, leave a host its own packets, and are undone together', async () => {
  const { dropped, partition } = hostsNamed(['pg1', 'pg2', 'pg3']);
  await partition.cut(['pg1'], ['pg1', 'pg2']);
  await partition.cut(['pg3'], ['pg2']);
  expect(dropped['pg1']).toEqual({ notFrom: [], notTo: [] });
  expect(dropped['pg2']).toEqual({ notFrom: ['10.0.0.11', '10.0.0.13'], notTo: [] });
  await partition.heal();
  expect(dropped['pg2']).toEqual({ notFrom: [], notTo: [] });
});

test('a host that is not there is an error that changes nothing', async () => {
  const { dropped, partition } = hostsNamed(['pg1', 'pg2']);
  await expect(partition.cut(['pg1'], ['pg2', 'pg9'])).rejects.toThrow('no host "pg9"');
  await expect(partition.cut(['pg9'], ['pg1'])).rejects.toThrow('no host "pg9"');
  expect(dropped).toEqual({});
});

test('a filter replaces what was there before', () => {
  expect(renderFilter({ notFrom: ['10.0.0.2', '10.0.0.3'], notTo: [] })).toBe(`table inet haagent_lab {}
delete table inet haagent_lab
table inet haagent_lab {
  chain in { type filter hook input priority 0; ip saddr { 10.0.0.2, 10.0.0.3 } drop; }
  chain out { type filter hook output priority 0;  }
}
`);
});
