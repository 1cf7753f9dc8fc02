import { expect, test } from 'vitest';
import { parseAnswer } from '../../../src/adapters/http/peers.ts';
import { proofFits, proofOf } from '../../../src/adapters/http/proof.ts';
import { at, name, positions } from './support.ts';

const good = {
  cluster: 'demo',
  name: 'db2',
  instance: 'bbbb',
  state: 'streaming',
  role: 'replica',
  position: at(100),
  applied: at(90),
  leads: false,
  eligible: true,
  now: { leader: false },
};
const parse = (body: unknown) =>
  parseAnswer(typeof body === 'string' ? body : JSON.stringify(body), name('db2'), { cluster: 'demo', positions });

test('a good answer', () => {
  expect(parse(good)).toEqual({
    kind: 'known',
    value: {
      name: 'db2',
      instance: 'bbbb',
      state: 'streaming',
      role: 'replica',
      position: at(100),
      applied: at(90),
      leads: false,
      holdsRight: false,
      eligible: true,
    },
  });
});
test('why it should not lead is taken as it says it', () => {
  expect(parse({ ...good, eligible: false, unfit: 'its disk is full' })).toMatchObject({
    value: { eligible: false, unfit: 'its disk is full' },
  });
});
test('a right needs a primary and the key', () => {
  expect(parse({ ...good, now: { leader: true } })).toMatchObject({ value: { holdsRight: false } });
  expect(parse({ ...good, role: 'primary', now: { leader: true } })).toMatchObject({ value: { holdsRight: true } });
});
test('a position that is none is not believed, the rest is', () => {
  expect(parse({ ...good, position: { engine: 'postgresql', lsn: 'x' } })).toMatchObject({
    value: { position: undefined },
  });
  expect(parse({ ...good, position: undefined })).toMatchObject({ kind: 'known', value: { position: undefined } });
});
test.each([
  ['nothing', ''],
  ['no JSON', '<html>'],
  ['null', 'null'],
  ['a list', '[]'],
  ['another cluster', { ...good, cluster: 'prod' }],
  ['another member', { ...good, name: 'db3' }],
  ['an instance that is none', { ...good, instance: '../x' }],
  ['a state that does not exist', { ...good, state: 'toString' }],
  ['a role that does not exist', { ...good, role: 'constructor' }],
  ['leads is no boolean', { ...good, leads: 'yes' }],
  ['nothing about now', { ...good, now: undefined }],
])('is not believed: %s', (_what, body) => {
  expect(parse(body).kind).toBe('unknown');
});

test('a proof is bound to secret, cluster, nonce and body', () => {
  const proof = proofOf('s', 'demo', 'n'.repeat(20), 'body');
  expect(proofFits(proof, proofOf('s', 'demo', 'n'.repeat(20), 'body'))).toBe(true);
  for (const other of [
    proofOf('t', 'demo', 'n'.repeat(20), 'body'),
    proofOf('s', 'prod', 'n'.repeat(20), 'body'),
    proofOf('s', 'demo', 'm'.repeat(20), 'body'),
    proofOf('s', 'demo', 'n'.repeat(20), 'bodY'),
    '',
  ])
    expect(proofFits(proof, other)).toBe(false);
});
