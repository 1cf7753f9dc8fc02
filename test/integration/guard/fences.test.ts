import { existsSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { ms } from '../../../src/core/brand.ts';
import { ahead, clock, createLab, gone, isUp, order, processes, term, writeState, type Lab } from './lab.ts';

/** A fence begins this long before the deadline, and has to be complete by then. */
const BUDGET = 1_000;
/** At once, on a busy machine: takes 20 ms on an idle one. */
const AT_ONCE = 1_500;
/** A built guard is back within a third of a second; from sources, on a busy machine, it takes much longer to load. */
const RESTART = 6_000;

let lab: Lab;
beforeEach(async () => {
  lab = await createLab({ fenceBudget: BUDGET });
});
afterEach(() => lab.close());

const running = (): number => processes.within(lab.data).length;
const armedUntil = async (): Promise<number> => {
  const observer = lab.client();
  await vi.waitFor(() => expect(observer.state().armed).toBeDefined(), 10_000);
  await observer.close();
  return observer.state().armed!.deadline.mono;
};

for (const how of ['SIGKILL', 'SIGSTOP'] as const)
  test(`an agent that gets ${how} loses its database by the deadline, whole, and nobody else is touched`, async () => {
    const neighbour = await lab.neighbour();
    const agent = await lab.agent(5, 3_500);
    await vi.waitFor(() => expect(lab.guard()).toBeDefined(), 10_000);
    await armedUntil();
    await lab.database();
    await clock.sleep(lab.place.fenceBudget, order);
    expect(isUp(lab)).toBe(true);
    processes.signal(agent, how);
    const deadline = await armedUntil();
    const late = (await gone(lab, 8_000)) - (deadline - lab.place.fenceBudget);
    console.log(`${how}: whole tree gone ${late.toFixed(0)} ms after the fence was due`);
    expect(late).toBeGreaterThanOrEqual(0);
    expect(late).toBeLessThan(BUDGET);
    await vi.waitFor(() => expect(existsSync(lab.mark)).toBe(true), 10_000);
    expect(processes.alive(neighbour)).toBe(true);
    const writes = statSync(join(lab.data, 'writes')).size;
    await clock.sleep(lab.place.fenceBudget, order);
    expect(statSync(join(lab.data, 'writes')).size).toBe(writes);
  });

test('after the fence whatever appears is killed, also a replica, until the deadline is taken back', async () => {
  const client = lab.client();
  await vi.waitFor(() => expect(client.state().alive).toBe(true), 10_000);
  await client.arm({ ...order, term: term(5), deadline: ahead(10_000) });
  await lab.database();
  await vi.waitFor(
    () => expect(client.events).toContainEqual(expect.objectContaining({ kind: 'fenced', term: term(5) })),
    20_000,
  );
  expect(client.state().armed?.term).toBe(term(5));
  await lab.launch('/bin/sleep', ['1003'], lab.data);
  expect(running()).toBe(1);
  await gone(lab, 8_000);
  await expect(client.disarm({ ...order, term: term(4) })).rejects.toMatchObject({ code: 'refused' });
  await client.disarm({ ...order, term: term(5) });
  expect(client.state().armed).toBeUndefined();
  await lab.database();
  await clock.sleep(lab.place.fenceBudget, order);
  await clock.sleep(lab.place.fenceBudget, order);
  await clock.sleep(lab.place.fenceBudget, order);
  expect(isUp(lab)).toBe(true);
});

test('without a deadline a replica runs, a primary does not', async () => {
  const client = lab.client();
  writeFileSync(lab.mark, '');
  await vi.waitFor(() => expect(client.state().alive).toBe(true), 10_000);
  await lab.database();
  await clock.sleep(lab.place.fenceBudget, order);
  expect(isUp(lab)).toBe(true);
  rmSync(lab.mark);
  await gone(lab, 8_000);
  await vi.waitFor(
    () => expect(client.events).toContainEqual(expect.objectContaining({ kind: 'fenced', term: undefined })),
    10_000,
  );
  expect(existsSync(lab.mark)).toBe(true);
});

test('a guard that starts without a deadline fences a running primary', async () => {
  await lab.database();
  await lab.startGuard();
  await gone(lab, 8_000);
});

test('a killed guard`s successor keeps the deadline; the client has it back soon', async () => {
  const client = lab.client();
  const deadline = ahead(9_000);
  await client.arm({ ...order, term: term(5), deadline });
  await lab.database();
  const first = lab.guard()!;
  const killedAt = clock.now().mono;
  lab.kill(first);
  await vi.waitFor(
    () => expect(client.events.map((event) => event.kind)).toEqual(['connected', 'lost', 'connected']),
    RESTART,
  );
  console.log(`guard back after ${(clock.now().mono - killedAt).toFixed(0)} ms`);
  expect(clock.now().mono - killedAt).toBeLessThan(RESTART);
  expect(client.state()).toMatchObject({ alive: true, armed: { term: term(5), deadline } });
  expect(client.state().pid).not.toBe(first.pid);
  expect(isUp(lab)).toBe(true);
  await client.close();
  const late = (await gone(lab, 10_000)) - (deadline.mono - lab.place.fenceBudget);
  expect(late).toBeGreaterThanOrEqual(0);
  expect(late).toBeLessThan(BUDGET);
});

test('a guard started after its predecessor`s deadline fences at once', async () => {
  const client = lab.client();
  await vi.waitFor(() => expect(client.state().alive).toBe(true), 10_000);
  await client.arm({ ...order, term: term(5), deadline: ahead(1_500) });
  await client.close();
  lab.kill(lab.guard());
  writeFileSync(lab.mark, '');
  await lab.database();
  await clock.sleep(lab.place.fenceBudget, order);
  expect(isUp(lab)).toBe(true);
  const begun = clock.now().mono;
  await lab.startGuard();
  console.log(`fenced ${((await gone(lab, 8_000)) - begun).toFixed(0)} ms after the start`);
});

test('a guard stopped past the deadline fences at once when it goes on, before it hears anything', async () => {
  const client = lab.client();
  await vi.waitFor(() => expect(client.state().alive).toBe(true), 10_000);
  await client.arm({ ...order, term: term(5), deadline: ahead(3_000) });
  await client.close();
  await lab.database();
  const guard = lab.guard()!;
  processes.signal(guard, 'SIGSTOP');
  const late = { kind: 'arm', id: 1, token: lab.place.token, term: '5', deadline: ahead(20_000) };
  const answer = lab.say(JSON.stringify(late));
  await clock.sleep(lab.place.fenceBudget, order);
  await clock.sleep(lab.place.fenceBudget, order);
  await clock.sleep(lab.place.fenceBudget, order);
  expect(isUp(lab)).toBe(true);
  const continued = clock.now().mono;
  processes.signal(guard, 'SIGCONT');
  const took = (await gone(lab, 8_000)) - continued;
  console.log(`fenced ${took.toFixed(0)} ms after SIGCONT`);
  expect(took).toBeLessThan(AT_ONCE);
  expect(await answer).toContain('"code":"fencing"');
});

test('a guard that hangs is replaced by the client; the fence is in time', async () => {
  const client = lab.client();
  const deadline = ahead(26_000);
  await client.arm({ ...order, term: term(5), deadline });
  await lab.database();
  const hung = lab.guard()!;
  processes.signal(hung, 'SIGSTOP');
  await vi.waitFor(
    () => expect(client.events.map((event) => event.kind)).toEqual(['connected', 'lost', 'connected']),
    20_000,
  );
  expect(processes.alive(hung)).toBe(false);
  expect(isUp(lab)).toBe(true);
  expect((await gone(lab, 30_000)) - (deadline.mono - lab.place.fenceBudget)).toBeLessThan(BUDGET);
});

test('a guard that hangs past its last deadline is replaced by one that knows the newest: the database runs on', async () => {
  const client = lab.client();
  const [outdated, newest] = [ahead(3_500), ahead(40_000)];
  await client.arm({ ...order, term: term(5), deadline: outdated });
  await lab.database();
  processes.signal(lab.guard()!, 'SIGSTOP');
  await client.arm({ ...order, timeout: ms(20_000), term: term(5), deadline: newest });
  expect(client.events.map((event) => event.kind)).toEqual(['connected', 'lost', 'connected']);
  await vi.waitFor(() => expect(clock.now().mono).toBeGreaterThan(outdated.mono), 10_000);
  expect(isUp(lab)).toBe(true);
  expect(client.state().armed).toMatchObject({ term: term(5), deadline: newest });
  expect(client.events.map((event) => event.kind)).not.toContain('fenced');
});

test('a deadline of another boot counts as none', async () => {
  await lab.database();
  const now = clock.now();
  const armed = { term: '5', deadline: ahead(20_000), fenceBudget: BUDGET };
  writeState(lab, { v: 1, bootId: 'another', token: lab.place.token, at: now, newest: '5', armed, stoodDown: false });
  await lab.startGuard();
  await gone(lab, 8_000);
  expect(lab.log()).toContain('it is of another boot');
});

test('a deadline of this boot and token is kept, of another token not', async () => {
  await lab.database();
  const bootId = readFileSync('/proc/sys/kernel/random/boot_id', 'utf8').trim();
  const armed = { term: '5', deadline: ahead(20_000), fenceBudget: BUDGET };
  const state = { v: 1, bootId, token: lab.place.token, at: clock.now(), newest: '5', armed, stoodDown: false };
  writeState(lab, state);
  const client = lab.client();
  await vi.waitFor(() => expect(client.state().armed?.term).toBe(term(5)), 10_000);
  expect(isUp(lab)).toBe(true);
  await client.close();
  lab.kill(lab.guard());
  writeState(lab, { ...state, token: 'cluster two' });
  await lab.startGuard();
  await gone(lab, 8_000);
});
