/** The first look at a value from etcd, before any schema. */

const DEEPEST = 16;
/** Reading a value must stay cheap: nothing may delay a heartbeat (invariant I18). */
const MOST_PARTS = 10_000;
const POISON: ReadonlySet<string> = new Set(['__proto__', 'constructor', 'prototype']);

export type Shape =
  | { readonly kind: 'fine'; readonly value: Readonly<Record<string, unknown>> }
  | { readonly kind: 'refused'; readonly why: string };

const isObject = (value: unknown): value is Readonly<Record<string, unknown>> =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

/** Parses a JSON object that is not deeper than any of ours and has no name that could reach a prototype. */
export const checkShape = (text: string): Shape => {
  const value = parseJson(text);
  if (!isObject(value)) return { kind: 'refused', why: `${printable(text)} is not a JSON object` };
  let level: readonly unknown[] = [value];
  let parts = 0;
  for (let depth = 0; level.length > 0; depth += 1) {
    parts += level.length;
    if (parts > MOST_PARTS) return { kind: 'refused', why: `has more than ${MOST_PARTS} parts` };
    if (depth > DEEPEST) return { kind: 'refused', why: `is nested deeper than ${DEEPEST} levels` };
    const poison = level.flatMap((each) => (isObject(each) ? Object.keys(each) : [])).find((name) => POISON.has(name));
    if (poison !== undefined) return { kind: 'refused', why: `has a field named ${poison}` };
    level = level.flatMap((each) => (typeof each === 'object' && each !== null ? Object.values(each) : []));
  }
  return { kind: 'fine', value };
};

const parseJson = (text: string): unknown => {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
};

/** Foreign text as it may be shown: one line, no control characters, quoted where it was changed or cut. */
export const printable = (text: string, longest = 80): string => {
  const plain = text.slice(0, longest).replace(/[\p{Cc}\p{Zl}\p{Zp}\p{Bidi_Control}\p{Cs}]/gu, '?');
  return text.length > longest ? `${plain}…` : plain;
};
