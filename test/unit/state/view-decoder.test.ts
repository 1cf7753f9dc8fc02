import * as fc from 'fast-check';
import { expect, test } from 'vitest';
import { leaseId, revision } from '../../../src/core/brand.ts';
import type { KeyValue, RangeResult } from '../../../src/ports/consensus.ts';
import { createViewDecoder, decodeView } from '../../../src/state/decode.ts';
import { encodeValue } from '../../../src/state/encode.ts';
import { clusterPrefix, nameOf } from '../../../src/state/paths.ts';
import { POSITIONS, put } from './arbitrary.ts';

const PREFIX = clusterPrefix('/haagent', 'demo');
const deps = { prefix: PREFIX, positions: POSITIONS };

const kv = (name: string, value: string, mod = 7n): KeyValue => ({
  key: PREFIX + name,
  value,
  createRevision: revision(5n),
  modRevision: revision(mod),
  lease: undefined,
});
const range = (...keys: readonly KeyValue[]): RangeResult => ({ revision: revision(9n), keys, clusterId: 'c' });
const config = (number: number, ttl: string): string =>
  JSON.stringify({ v: 1, number, document: { ttl }, by: 'x', at: '2026-01-01T00:00:00Z' });

const stored = fc
  .tuple(put, fc.constantFrom(7n, 8n), fc.boolean(), fc.constantFrom(undefined, leaseId('5')))
  .map(([{ key, value }, mod, broken, lease]): KeyValue => ({
    ...kv(nameOf(key), broken ? '{' : encodeValue(key.kind, value), mod),
    lease,
  }));
const ranges = fc.array(fc.uniqueArray(stored, { selector: ({ key }) => key, maxLength: 6 }), { maxLength: 6 });

test('says of every range what a decoder says that has seen nothing before', () => {
  fc.assert(
    fc.property(ranges, fc.array(fc.nat(5), { maxLength: 8 }), (given, order) => {
      const decode = createViewDecoder(deps);
      for (const keys of [...given, ...order.flatMap((at) => (given[at] === undefined ? [] : [given[at]]))])
        expect(decode(range(...keys))).toEqual(decodeView({ ...deps, range: range(...keys) }));
    }),
  );
});

test('gives the same objects for what has not changed, and new ones for what has', () => {
  const decode = createViewDecoder(deps);
  const first = decode(range(kv('leader', 'a'), kv('config', config(1, '5s'))));
  const second = decode(range(kv('leader', 'b', 8n), kv('config', config(1, '5s'))));
  expect(second.configuration).toBe(first.configuration);
  expect(second.settings).toBe(first.settings);
  expect(second.leader).toEqual({ value: 'b', modRevision: 8n });
  const third = decode(range(kv('config', config(2, '6s'), 9n)));
  expect(third.settings?.value.timing.ttl).toBe(6_000);
  expect(third.leader).toBeUndefined();
});

test('trusts no revision alone: a store that was restored may use one twice', () => {
  const decode = createViewDecoder(deps);
  decode(range(kv('leader', 'a')));
  expect(decode(range(kv('leader', 'b'))).leader?.value).toBe('b');
});

test('names a broken key and a broken configuration every time', () => {
  const decode = createViewDecoder(deps);
  const keys = range(kv('heartbeat', '{'), kv('config', config(1, '1s')));
  const [first, second] = [decode(keys), decode(keys)];
  expect([...first.unreadable]).toEqual(['heartbeat', 'config']);
  expect(second).toEqual(first);
});
