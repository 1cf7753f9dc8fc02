import { isDeepStrictEqual } from 'node:util';

type Json = unknown;

const isObject = (value: Json): value is Readonly<Record<string, Json>> =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

/** What differs between two JSON documents, a line for each leaf: `ttl: "10s" -> "20s"`, `+ slots: {}`, `- pause: true`. */
export const documentDifference = (before: Json, after: Json, path = ''): readonly string[] => {
  if (isDeepStrictEqual(before, after)) return [];
  if (isObject(before) && isObject(after)) {
    const names = [...new Set([...Object.keys(before), ...Object.keys(after)])].sort();
    return names.flatMap((name) =>
      documentDifference(before[name], after[name], path === '' ? name : `${path}.${name}`),
    );
  }
  if (before === undefined) return [`+ ${path}: ${JSON.stringify(after)}`];
  if (after === undefined) return [`- ${path}: ${JSON.stringify(before)}`];
  return [`${path}: ${JSON.stringify(before)} -> ${JSON.stringify(after)}`];
};

/** RFC 7396: objects are merged, `null` deletes, everything else replaces. Builds new objects; changes neither argument. */
export const mergePatch = (target: Json, patch: Json): Json => {
  if (!isObject(patch)) return patch;
  const merged = new Map<string, Json>(isObject(target) ? Object.entries(target) : []);
  for (const [name, value] of Object.entries(patch)) {
    if (value === null) merged.delete(name);
    else merged.set(name, mergePatch(merged.get(name), value));
  }
  return Object.fromEntries(merged);
};
