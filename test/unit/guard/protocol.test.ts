import * as fc from 'fast-check';
import { expect, test } from 'vitest';
import { encodeLine, parseMessage, parseOrder } from '../../../src/adapters/os/guard-protocol.ts';
import { revision, termOf } from '../../../src/core/brand.ts';
import { parseArguments } from '../../../src/guard/arguments.ts';

const deadline = { mono: 12.5, boot: 20 };
const term = termOf(revision(2n ** 62n));

test('an order survives the line, also with a term beyond what a number can hold', () => {
  for (const order of [
    { kind: 'arm', token: 't', term, deadline, fenceBudget: 300 },
    { kind: 'arm', token: 't', term, deadline, fenceBudget: undefined },
    { kind: 'disarm', token: 't', term },
    { kind: 'stand-down', token: 't', term },
    { kind: 'state', token: 't' },
  ])
    expect(parseOrder(encodeLine({ id: 7, ...order }))).toEqual({ id: 7, order });
});

test('a report survives the line', () => {
  const report = {
    version: 1,
    pid: 3,
    phase: 'watching',
    dataDir: '/d',
    replicaMark: '/d/m',
    armed: { term, deadline, fenceBudget: 5 },
  };
  expect(parseMessage(encodeLine({ kind: 'ack', id: 7, report }))).toEqual({ kind: 'ack', id: 7, report });
  expect(parseMessage(encodeLine({ kind: 'fenced', term: undefined, killed: 2, tookMs: 1 }))).toEqual({
    kind: 'fenced',
    term: undefined,
    killed: 2,
    tookMs: 1,
  });
});

test('what is malformed is named, with the number of the order where it has one', () => {
  const order = { id: 1, kind: 'arm', token: 't', term: '5', deadline };
  for (const [line, why] of [
    ['', 'not a JSON object'],
    ['[1]', 'not a JSON object'],
    [JSON.stringify({ ...order, id: 'x' }), 'id'],
    [JSON.stringify({ ...order, token: 1 }), 'token'],
    [JSON.stringify({ ...order, kind: 'explode' }), 'kind'],
    [JSON.stringify({ ...order, term: 5 }), 'term'],
    [JSON.stringify({ ...order, term: '-5' }), 'term'],
    [JSON.stringify({ ...order, term: '9'.repeat(40) }), 'term'],
    [JSON.stringify({ ...order, deadline: { mono: 1 } }), 'deadline'],
    [JSON.stringify({ ...order, deadline: { mono: 1, boot: null } }), 'deadline'],
    [JSON.stringify({ ...order, deadline: 7 }), 'deadline'],
    [JSON.stringify({ ...order, fenceBudget: -1 }), 'fenceBudget'],
  ] as const)
    expect(parseOrder(line)).toMatchObject({ why: expect.stringContaining(why) });
});

test('no text whatsoever makes a parser throw', () => {
  fc.assert(
    fc.property(fc.oneof(fc.string(), fc.json()), (text) => {
      parseOrder(text);
      parseMessage(text);
    }),
  );
});

const full = [
  '--socket',
  '/s',
  '--data-dir',
  '/d',
  '--replica-mark',
  '/d/m',
  '--state',
  '/r/s',
  '--fence-budget',
  '2000',
];
const env = { HAAGENT_GUARD_TOKEN: 't' };

test('arguments: complete, with and without an owner', () => {
  expect(parseArguments(full, env)).toEqual({
    arguments: {
      socket: '/s',
      stateFile: '/r/s',
      target: { dataDir: '/d', replicaMark: '/d/m' },
      watchdog: undefined,
      fenceBudget: 2000,
      token: 't',
      order: undefined,
    },
  });
  expect(parseArguments([...full, '--uid', '0', '--gid', '5', '--watchdog', '/w'], env)).toMatchObject({
    arguments: { target: { uid: 0, gid: 5 }, watchdog: '/w' },
  });
});

test('arguments: the newest order comes by the environment; one that is not understood is none', () => {
  const order = { kind: 'arm', token: 't', term, deadline, fenceBudget: 300 };
  const given = (text: string): unknown => parseArguments(full, { ...env, HAAGENT_GUARD_ORDER: text });
  expect(given(encodeLine({ id: 0, ...order }))).toMatchObject({ arguments: { order } });
  expect(given('{"id":0}')).toMatchObject({ arguments: { order: undefined } });
});

test('arguments: what is missing or wrong is named', () => {
  for (const [args, why] of [
    [full.slice(2), '--socket'],
    [[...full, '--data-dir', 'relative'], '--data-dir'],
    [[...full, '--data-dir', '/'], '--data-dir'],
    [[...full, '--data-dir', ''], '--data-dir'],
    [[...full, '--fence-budget', 'x'], '--fence-budget'],
    [[...full, '--uid', '-1'], '--uid'],
    [[...full, '--explode'], '--explode'],
  ] as const)
    expect(parseArguments(args, env)).toMatchObject({ problem: expect.stringContaining(why) });
  expect(parseArguments(full, {})).toMatchObject({ problem: expect.stringContaining('HAAGENT_GUARD_TOKEN') });
});
