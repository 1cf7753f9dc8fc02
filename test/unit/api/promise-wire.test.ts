import { expect, test } from 'vitest';
import {
  answerProof,
  parseAnswer,
  parseQuestion,
  questionBody,
  questionProof,
} from '../../../src/adapters/http/promise-wire.ts';
import { ms, parseInstanceId, revision, termOf } from '../../../src/core/brand.ts';
import { name } from './support.ts';

const question = {
  from: name('db1'),
  instance: parseInstanceId('aaaa')!,
  term: termOf(revision(42n)),
  ttl: ms(10_000),
  nonce: 'n'.repeat(24),
};
const wire = (): Record<string, unknown> => JSON.parse(questionBody('demo', question)) as Record<string, unknown>;

test('a question comes back as it was', () => {
  expect(parseQuestion('demo', wire())).toEqual(question);
});

test.each([
  ['of another cluster', { cluster: 'prod' }],
  ['of a newer version', { v: 2 }],
  ['with a hostile name', { from: '../x' }],
  ['with a term that is none', { term: '-1' }],
  ['with a right without end', { ttl_ms: 1e9 }],
  ['with no nonce', { nonce: '' }],
  ['with more than is known', { also: true }],
])('a question %s is none', (_what, over) => {
  expect(parseQuestion('demo', { ...wire(), ...over })).toBeUndefined();
});

test('a proof fits its own question only', () => {
  const proof = questionProof('secret', 'demo', question);
  expect(questionProof('secret', 'demo', { ...question })).toBe(proof);
  for (const other of [
    questionProof('other', 'demo', question),
    questionProof('secret', 'prod', question),
    questionProof('secret', 'demo', { ...question, term: termOf(revision(43n)) }),
    questionProof('secret', 'demo', { ...question, nonce: 'm'.repeat(24) }),
  ])
    expect(other).not.toBe(proof);
  const answer = answerProof('secret', 'demo', question.nonce, '{"promised":true}');
  expect(answerProof('secret', 'demo', 'm'.repeat(24), '{"promised":true}')).not.toBe(answer);
  expect(answerProof('secret', 'demo', question.nonce, '{"promised":false}')).not.toBe(answer);
});

test('an answer is a promise only when it says so', () => {
  expect(parseAnswer('{"promised":true}')).toEqual({ promised: true });
  expect(parseAnswer('{"promised":false,"why":"it leads"}')).toEqual({ promised: false, why: 'it leads' });
  for (const body of ['', 'null', '{"promised":1}', '{"promised":"true"}', '[true]'])
    expect(parseAnswer(body)).toBeUndefined();
});
