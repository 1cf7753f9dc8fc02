import { describe, expect, test } from 'vitest';
import { assignments, readDocument } from '../../../src/ctl/config-input.ts';
import { createEventParser } from '../../../src/ctl/event-parser.ts';
import { parseSchedule } from '../../../src/state/schedule.ts';
import { changeLines } from '../../../src/state/config-versions.ts';

describe('settings on the command line', () => {
  test.each([
    [['ttl=20s'], { ttl: '20s' }],
    [['replication.mode=async', 'replication.acks=2'], { replication: { mode: 'async', acks: 2 } }],
    [['pause=true', 'slots=null'], { pause: true, slots: null }],
    [['access_rules=[a, b]'], { access_rules: ['a', 'b'] }],
    [['parameters."auto_explain.log_min_duration"=1s'], { parameters: { 'auto_explain.log_min_duration': '1s' } }],
    [['parameters.work_mem="64MB"'], { parameters: { work_mem: '64MB' } }],
    [['a=1', 'a.b=2'], { a: { b: 2 } }],
    [['a=x=y'], { a: 'x=y' }],
  ])('%j', (texts, document) => {
    expect(assignments(texts)).toEqual(document);
  });
  test.each([[['ttl']], [['=1']], [['a..b=1']], [['.a=1']], [['a b=1']], [['a=[1']]])('%j is refused', (texts) => {
    expect(() => assignments(texts)).toThrow();
  });
  test('a file must be a section, and an anchor cannot blow it up', () => {
    expect(readDocument('')).toEqual({});
    expect(readDocument('{"ttl": "1s"}')).toEqual({ ttl: '1s' });
    expect(() => readDocument('- a')).toThrow();
    expect(() => readDocument('a: &x [1]\nb: *x')).toThrow();
  });
});

describe('times of schedules', () => {
  const now = Date.parse('2026-01-01T00:00:00Z');
  test.each([
    ['2026-01-31T04:00:00+01:00', '2026-01-31T03:00:00.000Z'],
    ['2026-01-31 04:00+01:00', '2026-01-31T03:00:00.000Z'],
    ['2026-01-31T04:00:00.5Z', '2026-01-31T04:00:00.500Z'],
    ['2026-01-31T04:00:00 +0100', '2026-01-31T03:00:00.000Z'],
    ['2026-01-31t04:00:00z', '2026-01-31T04:00:00.000Z'],
  ])('%s', (text, iso) => {
    expect(new Date(parseSchedule(text, now)).toISOString()).toBe(iso);
  });
  test.each([
    '',
    'now',
    'tomorrow',
    '2026-01-31',
    '2026-01-31T04:00:00',
    '2026-13-31T04:00:00Z',
    '2025-12-31T23:59:59Z',
    '31.1.2026 04:00Z',
    '2026-01-31T25:00:00Z',
  ])('%j is refused', (text) => {
    expect(() => parseSchedule(text, now)).toThrow(expect.objectContaining({ code: 'schedule-invalid' }) as Error);
  });
});

test('events are read whatever the pieces that they come in', () => {
  const seen: string[] = [];
  const text = ': hello\n\nid: 1\nevent: a\ndata: {"x":1}\n\nretry: 5\ndata: two\ndata: lines\r\n\r\n';
  for (const size of [1, 3, 1000]) {
    const parser = createEventParser((data) => seen.push(data));
    for (let i = 0; i < text.length; i += size) parser(text.slice(i, i + size));
  }
  expect(seen).toEqual(Array.from({ length: 3 }, () => ['{"x":1}', 'two\nlines']).flat());
});

test('differences are told setting by setting', () => {
  expect(changeLines({ a: 1, b: { c: 'x' }, d: true }, { a: 2, b: { c: 'x', e: [1] } })).toEqual([
    'a: 1 -> 2',
    '+ b.e: [1]',
    '- d: true',
  ]);
});
