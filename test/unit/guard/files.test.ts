import { mkdirSync, mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { ms, revision, termOf } from '../../../src/core/brand.ts';
import { createStateFile } from '../../../src/guard/state-file.ts';
import { initialModel, type GuardModel } from '../../../src/guard/state.ts';
import { createWatchdog } from '../../../src/guard/watchdog.ts';

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'haagent-guard-'));
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

const term = termOf(revision(5n));
const armed = { term, deadline: { mono: 9_000, boot: 9_000 }, fenceBudget: ms(700) };
const model: GuardModel = { ...initialModel('t', undefined), newest: term, armed };
const now = { mono: 1_000, boot: 1_000 };
const file = (over: Partial<{ bootId: string; token: string }> = {}) =>
  createStateFile({ path: join(folder, 'state'), bootId: 'b1', token: 't', fenceBudget: ms(2_000), ...over });

test('a successor of the same boot and token finds everything', () => {
  file().save(model, now);
  expect(file().load(now)).toEqual({ saved: { newest: term, armed, stoodDown: false } });
  expect(statSync(join(folder, 'state')).mode & 0o777).toBe(0o600);
  file().save({ ...model, armed: undefined, phase: 'stood-down' }, now);
  expect(file().load(now)).toEqual({ saved: { newest: term, armed: undefined, stoodDown: true } });
});

test('another boot, another token, a clock that began anew, damage, nothing: no deadline, with the reason', () => {
  expect(file().load(now)).toMatchObject({ saved: undefined, problem: expect.stringContaining('ENOENT') });
  file().save(model, now);
  expect(file({ bootId: 'b2' }).load(now)).toMatchObject({ saved: undefined, problem: 'it is of another boot' });
  expect(file({ token: 'x' }).load(now)).toMatchObject({ saved: undefined });
  expect(file().load({ mono: 1_000, boot: 10 })).toMatchObject({
    saved: undefined,
    problem: 'it was written in the future',
  });
  const text = readFileSync(join(folder, 'state'), 'utf8');
  for (const damage of [
    '',
    '{',
    text.slice(0, 40),
    text.replace('"9000', 'x'),
    text.replace('"term":"5"', '"term":5'),
  ]) {
    writeFileSync(join(folder, 'state'), damage);
    expect(file().load(now)).toHaveProperty('saved', damage === text ? expect.anything() : undefined);
  }
});

test('where it cannot be replaced the old deadline does not stay', () => {
  file().save(model, now);
  mkdirSync(join(folder, 'state.new'));
  file().save({ ...model, armed: undefined }, now);
  expect(file().load(now)).toMatchObject({ saved: undefined });
});

test('the watchdog is opened by the first ping, and let go by the magic letter', () => {
  const path = join(folder, 'watchdog');
  writeFileSync(path, '');
  const problems: string[] = [];
  const watchdog = createWatchdog(path, false, (why) => problems.push(why));
  watchdog.release();
  expect(readFileSync(path, 'utf8')).toBe('');
  watchdog.ping();
  watchdog.ping();
  expect(readFileSync(path, 'utf8')).toBe('11');
  watchdog.release();
  watchdog.release();
  expect(readFileSync(path, 'utf8')).toBe('11V');
  createWatchdog(path, true, (why) => problems.push(why)).release();
  expect(readFileSync(path, 'utf8')).toBe('11VV');
  expect(problems).toEqual([]);
});

test('a watchdog that is not there is a problem, not a file', () => {
  const problems: string[] = [];
  const path = join(folder, 'none');
  createWatchdog(path, false, (why) => problems.push(why)).ping();
  expect(problems).toEqual([expect.stringContaining('ENOENT')]);
  expect(() => statSync(path)).toThrow('ENOENT');
});
