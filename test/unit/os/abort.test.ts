import { getEventListeners } from 'node:events';
import { expect, test } from 'vitest';
import { linkSignals, raceAbort, withDeadline } from '../../../src/adapters/os/abort.ts';
import { createClock } from '../../../src/adapters/os/clock.ts';
import { ms } from '../../../src/core/brand.ts';

const listeners = (signal: AbortSignal): number => getEventListeners(signal, 'abort').length;
const never = new Promise<never>(() => undefined);

test('racing a signal ends by whichever is first and leaves no listener', async () => {
  const controller = new AbortController();
  await expect(raceAbort(Promise.resolve(1), controller.signal)).resolves.toBe(1);
  await expect(raceAbort(Promise.reject(new Error('no')), controller.signal)).rejects.toThrow('no');
  const waiting = raceAbort(never, controller.signal);
  expect(listeners(controller.signal)).toBe(1);
  controller.abort(new Error('stop'));
  await expect(waiting).rejects.toThrow('stop');
  await expect(raceAbort(Promise.resolve(1), controller.signal)).rejects.toThrow('stop');
  expect(listeners(controller.signal)).toBe(0);
});

test('a linked signal follows all of its sources, until disposed', () => {
  const [a, b] = [new AbortController(), new AbortController()];
  const linked = linkSignals(a.signal, b.signal);
  b.abort('why');
  expect(linked.signal.reason).toBe('why');
  linked[Symbol.dispose]();
  expect([listeners(a.signal), listeners(b.signal)]).toEqual([0, 0]);
  expect(linkSignals(a.signal, b.signal).signal.reason).toBe('why');
});

test('a deadline holds also when the work does not heed its signal', async () => {
  const clock = createClock();
  const controller = new AbortController();
  let given: AbortSignal | undefined;
  const work = withDeadline(clock, ms(20), controller.signal, 'asking b', (signal) => {
    given = signal;
    return never;
  });
  await expect(work).rejects.toMatchObject({ code: 'timed-out', message: 'asking b: not done within 20 ms' });
  expect(given?.aborted).toBe(true);
  expect(listeners(controller.signal)).toBe(0);
});

test('an abort from outside wins, before the start and during the work', async () => {
  const clock = createClock();
  const controller = new AbortController();
  const work = withDeadline(clock, ms(5_000), controller.signal, 'asking b', () => never);
  controller.abort(new Error('outside'));
  await expect(work).rejects.toThrow('outside');
  await expect(withDeadline(clock, ms(5_000), controller.signal, 'asking b', async () => 1)).rejects.toThrow('outside');
});
