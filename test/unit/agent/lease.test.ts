import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, expect, test } from 'vitest';
import { createLeaseKeeper } from '../../../src/agent/lease.ts';
import { ms, type LeaseId } from '../../../src/core/brand.ts';
import type { Log } from '../../../src/ports/log.ts';
import { createStoreModel } from '../../sim/store/model.ts';
import { createRandom, createVirtualClock } from '../../sim/store/virtual-clock.ts';

const quiet: Log = { debug: () => {}, info: () => {}, warn: () => {}, error: () => {}, child: () => quiet };
const folders: string[] = [];
afterEach(async () => {
  for (const folder of folders.splice(0)) await rm(folder, { recursive: true });
});

/** A keeper on a simulated etcd, and every lease that it told of. */
const lab = async () => {
  const folder = await mkdtemp(join(tmpdir(), 'haagent-lease-'));
  folders.push(folder);
  const clock = createVirtualClock();
  const model = createStoreModel({ clock, random: createRandom(1) });
  const setting = { ttl: 3_000 };
  const told: (LeaseId | undefined)[] = [];
  const open = (name: string) =>
    createLeaseKeeper({
      store: model.client(name),
      clock,
      log: quiet,
      file: join(folder, 'lease'),
      ttl: () => ms(setting.ttl),
      callTimeout: () => ms(500),
      post: (event) => void (event.kind === 'lease' && told.push(event.lease)),
    });
  /** Files take real time, so time goes on in small steps. */
  const pass = async (milliseconds: number): Promise<void> => {
    for (let done = 0; done < milliseconds; done += 100) {
      await clock.advance(100);
      await new Promise((resolve) => setTimeout(resolve, 1));
    }
  };
  return { open, pass, setting, told };
};

test('a lease outlives a change of the ttl to a longer one, though it was granted for the shorter', async () => {
  const { open, pass, setting, told } = await lab();
  const keeper = open('a');
  keeper.wake();
  await pass(500);
  const first = keeper.lease();
  setting.ttl = 20_000;
  await pass(30_000);
  expect(first).toBeDefined();
  expect(new Set(told)).toEqual(new Set([first]));
  await keeper.stop();
});

test('a restarted agent goes on with the lease and the pace of the one before', async () => {
  const { open, pass, setting, told } = await lab();
  const before = open('a');
  before.wake();
  await pass(500);
  const first = before.lease();
  await before.stop();
  setting.ttl = 20_000;
  const after = open('b');
  after.wake();
  await pass(15_000);
  expect(after.lease()).toBe(first);
  expect(new Set(told)).toEqual(new Set([first]));
  await after.stop();
});
