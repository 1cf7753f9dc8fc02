import { execFile } from 'node:child_process';
import { getEventListeners } from 'node:events';
import { promisify } from 'node:util';
import { expect, test } from 'vitest';
import { createClock } from '../../../src/adapters/os/clock.ts';
import { ms } from '../../../src/core/brand.ts';

const clock = createClock();

test('the clocks mean the same in every process of the host', async () => {
  const module = new URL('../../../src/adapters/os/clock.ts', import.meta.url).href;
  const code = `import { createClock } from '${module}'; console.log(JSON.stringify(createClock().now()))`;
  const before = clock.now();
  const { stdout } = await promisify(execFile)(process.execPath, ['--input-type=module', '-e', code]);
  const there: unknown = JSON.parse(stdout);
  const now = clock.now();
  expect(there).toEqual({ mono: expect.any(Number), boot: expect.any(Number) });
  const other = there as { mono: number; boot: number };
  expect(other.mono).toBeGreaterThan(before.mono);
  expect(other.mono).toBeLessThan(now.mono);
  expect(other.boot).toBeGreaterThanOrEqual(before.boot);
  expect(other.boot).toBeLessThanOrEqual(now.boot);
});

test('mono counts fractions of a millisecond, boot steps of at most 10 ms', () => {
  const [monos, boots] = [new Set<number>(), new Set<number>()];
  const end = clock.now().mono + 2_000;
  while (boots.size < 5 && clock.now().mono < end) {
    monos.add(clock.now().mono);
    boots.add(clock.now().boot);
  }
  expect(monos.size).toBeGreaterThan(100);
  const seen = [...boots];
  // The processor may be away for a while, so that single steps are missed: the shortest one tells the grain.
  expect(Math.min(...seen.slice(1).map((boot, index) => boot - seen[index]!))).toBeLessThanOrEqual(10);
});

test('a sleep ends in time, or by its signal, and leaves no listener', async () => {
  const controller = new AbortController();
  const begun = clock.now().mono;
  await clock.sleep(ms(20), { signal: controller.signal });
  expect(clock.now().mono - begun).toBeGreaterThanOrEqual(18);
  const long = clock.sleep(ms(60_000), { signal: controller.signal });
  controller.abort(new Error('stop'));
  await expect(long).rejects.toThrow('stop');
  await expect(clock.sleep(ms(1), { signal: controller.signal })).rejects.toThrow('stop');
  expect(getEventListeners(controller.signal, 'abort')).toHaveLength(0);
});

test('a timer can be cancelled, and one longer than Node can count does not fire at once', async () => {
  const fired: string[] = [];
  const cancel = clock.timer(ms(5), () => fired.push('cancelled'));
  cancel();
  cancel();
  const cancelLong = clock.timer(ms(2 ** 32), () => fired.push('long'));
  await new Promise<void>((resolve) => {
    clock.timer(ms(20), resolve);
  });
  cancelLong();
  expect(fired).toEqual([]);
});
