/** Writes JSON as all answers use it: terms and revisions are numbers (etcd does not reach 2^53), undefined is left out. */
export const toJson = (value: unknown): string =>
  JSON.stringify(value, (_key, field: unknown) => (typeof field === 'bigint' ? Number(field) : field));

/** Nesting that no request of ours needs; a deeper text is an attack on whoever walks it. */
const MAX_DEPTH = 32;

export type ParsedJson = { readonly ok: true; readonly value: unknown } | { readonly ok: false; readonly why: string };

/** Parses a request's body: limits its nesting before it is parsed and refuses keys that reach a prototype. */
export const parseJson = (text: string): ParsedJson => {
  if (text.trim() === '') return { ok: true, value: undefined };
  if (depthOf(text) > MAX_DEPTH) return { ok: false, why: `the JSON is nested deeper than ${MAX_DEPTH} levels` };
  try {
    let poisoned = false;
    const value: unknown = JSON.parse(text, (key, field: unknown) => {
      if (key === '__proto__') poisoned = true;
      return field;
    });
    return poisoned ? { ok: false, why: 'the JSON has a key "__proto__"' } : { ok: true, value };
  } catch {
    return { ok: false, why: 'the body is not JSON' };
  }
};

const depthOf = (text: string): number => {
  let depth = 0;
  let deepest = 0;
  let inText = false;
  for (let i = 0; i < text.length; i++) {
    const c = text[i];
    if (inText) {
      if (c === '\\') i++;
      else if (c === '"') inText = false;
    } else if (c === '"') inText = true;
    else if (c === '{' || c === '[') deepest = Math.max(deepest, ++depth);
    else if (c === '}' || c === ']') depth--;
  }
  return deepest;
};
