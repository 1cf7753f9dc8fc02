import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { leaseId, revision, type MemberName } from '../../../src/core/brand.ts';
import type { ClusterView } from '../../../src/core/model.ts';
import type { StatePut } from '../../../src/core/transaction.ts';
import type { KeyValue } from '../../../src/ports/consensus.ts';
import { decodeView } from '../../../src/state/decode.ts';
import { encodeTransaction, encodeValue } from '../../../src/state/encode.ts';
import { clusterPrefix, nameOf, parseName } from '../../../src/state/paths.ts';
import { keyRef, POSITIONS, put } from './arbitrary.ts';

const PREFIX = clusterPrefix('/haagent', 'demo');

const kv = (name: string, value: string): KeyValue => ({
  key: PREFIX + name,
  value,
  createRevision: revision(5n),
  modRevision: revision(7n),
  lease: undefined,
});

const decode = (...keys: readonly KeyValue[]): ClusterView =>
  decodeView({ prefix: PREFIX, range: { revision: revision(9n), keys, clusterId: 'c' }, positions: POSITIONS });

/** What the view holds where this put belongs. */
const valueIn = (view: ClusterView, { key, value }: StatePut): unknown => {
  switch (key.kind) {
    case 'member':
      return view.members.get(key.name)?.value;
    case 'pledge':
      return view.pledges.get(key.name)?.value;
    case 'suspect':
      return view.suspects.get(key.name)?.value;
    case 'intent':
      return view.intents[0]?.value;
    case 'fenced':
      return view.fenced.has(key.term) ? value : undefined;
    case 'history-of':
      return view.olderTerms.get(key.term)?.value;
    case 'config-version':
      return view.configVersions.get(key.number)?.value;
    case 'config':
      return view.configuration?.value;
    case 'leader':
    case 'heartbeat':
    case 'history':
    case 'sync':
    case 'initialize':
    case 'failsafe':
      return view[key.kind]?.value;
    default:
      return key satisfies never;
  }
};

describe('encode and decode', () => {
  it('give back every value that an agent can write', () => {
    fc.assert(
      fc.property(put, (each) => {
        const view = decode(kv(nameOf(each.key), encodeValue(each.key.kind, each.value)));
        expect(view.problems).toEqual([]);
        expect(view.unreadable.size).toBe(0);
        expect(valueIn(view, each)).toEqual(each.value);
      }),
      { numRuns: 600 },
    );
  });

  it('give back every key', () => {
    fc.assert(
      fc.property(keyRef, (key) => {
        expect(parseName(nameOf(key))).toEqual(key);
      }),
    );
  });

  it('write JSON with v and snake_case names, and the leader as its plain name', () => {
    fc.assert(
      fc.property(put, ({ key, value }) => {
        const text = encodeValue(key.kind, value);
        if (key.kind === 'leader') {
          expect(text).toBe(value);
          return;
        }
        const form = JSON.parse(text) as Record<string, unknown>;
        expect(form['v']).toBe(1);
        expect(Object.keys(form).every((name) => /^[a-z_]+$/.test(name))).toBe(true);
      }),
    );
  });

  it('turn a typed transaction into text', () => {
    const name = 'a' as MemberName;
    expect(
      encodeTransaction({
        prefix: PREFIX,
        transaction: {
          compare: [{ key: { kind: 'leader' }, modRevision: revision(0n) }],
          writes: [
            { kind: 'put', key: { kind: 'leader' }, value: name, lease: leaseId('42') },
            { kind: 'delete', key: { kind: 'member', name } },
          ],
        },
      }),
    ).toEqual({
      compare: [{ key: '/haagent/demo/leader', modRevision: 0n }],
      writes: [
        { kind: 'put', key: '/haagent/demo/leader', value: 'a', lease: '42' },
        { kind: 'delete', key: '/haagent/demo/members/a' },
      ],
    });
  });
});

describe('decode of hostile content', () => {
  const fenced = '{"v":1,"member":"a"}';
  const heartbeat = (ttl: number): string =>
    JSON.stringify({
      v: 1,
      seq: 1,
      member: 'a',
      instance: 'abcd',
      agent: 'x',
      ttl,
      released: false,
      cleared: true,
      paused: false,
      slots: {},
    });
  it('takes the heartbeat that the broken ones below differ from', () => {
    expect(decode(kv('heartbeat', heartbeat(3_000))).heartbeat?.value.ttl).toBe(3_000);
  });

  it.each([
    ['leader', 'Not A Name', 'is not a member name'],
    ['leader', '', 'is not a member name'],
    ['heartbeat', 'nonsense', 'is not a JSON object'],
    ['heartbeat', '[]', 'is not a JSON object'],
    ['heartbeat', 'null', 'is not a JSON object'],
    ['fenced/7', '{"v":2,"member":"a"}', 'written by a newer version (v 2; this agent knows 1)'],
    ['fenced/7', '{"member":"a"}', 'has no known version'],
    ['fenced/7', '{"v":1,"member":"A"}', 'member: is not a member name'],
    ['fenced/7', '{"v":1,"member":"a","__proto__":{"x":1}}', 'a field named __proto__'],
    ['fenced/7', '{"v":1,"member":"a","x":{"constructor":1}}', 'a field named constructor'],
    ['fenced/7', `{"v":1,"member":"a","x":${'['.repeat(100)}${']'.repeat(100)}}`, 'nested deeper'],
    ['fenced/7', `{"v":1,"member":"a","x":"${'x'.repeat(300_000)}"}`, 'larger than 256 KiB'],
    ['fenced/7', `{"v":1,"member":"a","x":"${'é'.repeat(140_000)}"}`, 'larger than 256 KiB'],
    ['fenced/7', `{"v":1,"member":"a","x":[${'1,'.repeat(20_000)}1]}`, 'more than 10000 parts'],
    ['fenced/0', fenced, 'is not a key'],
    ['fenced/99999999999999999999', fenced, 'is not a key'],
    ['members/UPPER', '{}', 'is not a key'],
    ['nothing', '{}', 'is not a key'],
    ['pledges/b', '{"v":1,"member":"a","instance":"abcd"}', 'names a, not the b of its key'],
    ['pledges/a', '{"v":1,"member":"a","instance":"abcd","position":{"engine":"other"}}', 'position is not a position'],
    ['pledges/a', '{"v":1,"member":"a","instance":"abcd","term":1e300}', 'term: '],
    ['pledges/a', '{"v":1,"member":"a","instance":"abcd","term":-1}', 'term: '],
    ['heartbeat', heartbeat(2_999), 'ttl: '],
    ['heartbeat', heartbeat(60_001), 'ttl: '],
    ['sync', '{"v":1,"entries":[{"term":1,"leader":"a~abcd","voters":["b~abcd"],"acks":2}]}', 'more acks'],
    ['sync', '{"v":1,"entries":[{"term":1,"leader":"a~abcd","voters":["b~abcd","b~abcd"],"acks":1}]}', 'a voter twice'],
    ['config', '{"v":1,"number":1,"document":{"tll":"5s"},"by":"x","at":"2026-01-01T00:00:00Z"}', 'did you mean ttl?'],
  ])('%s #%#: ignored, with the reason', (name, value, why) => {
    const view = decode(kv(name, value));
    expect(view.problems).toHaveLength(1);
    expect(view.problems[0]).toContain(why);
    expect([...view.unreadable]).toEqual([name]);
    expect([view.leader, view.heartbeat, view.sync, view.settings]).toEqual([
      undefined,
      undefined,
      undefined,
      undefined,
    ]);
    expect(view.fenced.size + view.pledges.size + view.members.size).toBe(0);
  });

  it('keeps the readable keys beside broken ones', () => {
    const view = decode(kv('leader', 'a'), kv('heartbeat', '{'), kv('fenced/7', fenced));
    expect(view.leader).toEqual({ value: 'a', modRevision: 7n });
    expect(view.fenced.size).toBe(1);
    expect([...view.unreadable]).toEqual(['heartbeat']);
  });

  it('shows a configuration that cannot be used as it was written, but no settings', () => {
    const view = decode(
      kv('config', '{"v":1,"number":3,"document":{"ttl":"1s"},"by":"x","at":"2026-01-01T00:00:00Z"}'),
    );
    expect(view.configuration?.value.document).toEqual({ ttl: '1s' });
    expect(view.settings).toBeUndefined();
    expect([...view.unreadable]).toEqual(['config']);
  });

  it('makes text for people harmless to a terminal', () => {
    const value = { v: 1, id: 'x', kind: 'switchover', by: 'me\u001b[2J\u202e' };
    expect(decode(kv('intents/x', JSON.stringify(value))).intents[0]?.value.by).toBe('me [2J ');
  });

  it('says at most a hundred problems, each short', () => {
    const view = decode(...Array.from({ length: 500 }, (_, i) => kv(`x${'y'.repeat(1000)}${i}`, '{}')));
    expect(view.problems).toHaveLength(101);
    expect(Math.max(...view.problems.map((each) => each.length))).toBeLessThan(400);
  });

  it('never throws, whatever stands in etcd', () => {
    const name = fc.oneof(keyRef.map(nameOf), fc.string());
    const value = fc.oneof(
      fc.json(),
      fc.string(),
      fc.json().map((json) => `{"v":1,"member":"a","position":${json}}`),
    );
    fc.assert(
      fc.property(fc.array(fc.tuple(name, value)), (pairs) => {
        const view = decode(...pairs.map(([n, text]) => kv(n, text)));
        expect(view.revision).toBe(9n);
      }),
      { numRuns: 500 },
    );
  });

  it('never throws on a good value with one field replaced by anything', () => {
    fc.assert(
      fc.property(put, fc.jsonValue(), fc.nat(20), ({ key, value }, anything, which) => {
        const text = encodeValue(key.kind, value);
        if (key.kind === 'leader') return;
        const form = JSON.parse(text) as Record<string, unknown>;
        const field = Object.keys(form)[which % Object.keys(form).length]!;
        const view = decode(kv(nameOf(key), JSON.stringify({ ...form, [field]: anything })));
        expect(view.problems.length).toBeLessThanOrEqual(1);
      }),
      { numRuns: 500 },
    );
  });
});
