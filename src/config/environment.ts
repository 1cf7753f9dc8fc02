import { parse } from 'yaml';
import { z } from 'zod';
import { closest } from './suggest.ts';
import { bare, childrenOf, type AnySchema } from './schema-walk.ts';

/** Environment variables of the agent that are no settings. */
const OTHERS: ReadonlySet<string> = new Set(['HAAGENT_CONFIG', 'HAAGENT_GUARD_TOKEN', 'HAAGENT_HOOK']);
const PREFIX = 'HAAGENT_';

/** One setting of the local file that has no settings below it. */
export interface Leaf {
  readonly path: readonly string[];
  /** HAAGENT_ and the path in capitals, joined by `_`: `etcd.tls.ca_file` is HAAGENT_ETCD_TLS_CA_FILE. */
  readonly env: string;
  readonly schema: AnySchema;
}

/** Every setting of a schema, in its order. */
export const leavesOf = (schema: AnySchema, path: readonly string[] = []): readonly Leaf[] => {
  const children = childrenOf(schema, []);
  if (children === undefined) return [{ path, env: `${PREFIX}${path.join('_').toUpperCase()}`, schema }];
  return Object.entries(children).flatMap(([name, child]) => leavesOf(child, [...path, name]));
};

export interface FromEnvironment {
  readonly values: readonly { readonly path: readonly string[]; readonly env: string; readonly value: unknown }[];
  /** Variables that look like settings and are none: told, not refused, since others may use the same prefix. */
  readonly notes: readonly string[];
}

/**
 * The settings that the environment gives. Text is taken as it is; numbers, booleans, lists and sections of free names
 * are read as YAML, and a list of texts may also be written with commas.
 */
export const fromEnvironment = (
  schema: AnySchema,
  env: Readonly<Record<string, string | undefined>>,
): FromEnvironment => {
  const leaves = leavesOf(schema);
  const known = new Set(leaves.map((leaf) => leaf.env));
  const values = leaves.flatMap((leaf) => {
    const text = env[leaf.env];
    return text === undefined ? [] : [{ path: leaf.path, env: leaf.env, value: valueOf(leaf.schema, text) }];
  });
  const notes = Object.keys(env)
    .filter((name) => name.startsWith(PREFIX) && !known.has(name) && !OTHERS.has(name))
    .map((name) => {
      const near = closest(
        name.toLowerCase(),
        [...known].map((each) => each.toLowerCase()),
      )?.toUpperCase();
      return `${name} in the environment is no setting${near === undefined ? '' : `; did you mean ${near}?`}`;
    });
  return { values, notes };
};

const valueOf = (schema: AnySchema, text: string): unknown => {
  const kind = bare(schema);
  if (kind instanceof z.ZodArray && !/^\s*[[-]/.test(text)) return text.split(',').map((part) => part.trim());
  const structured =
    kind instanceof z.ZodArray ||
    kind instanceof z.ZodRecord ||
    kind instanceof z.ZodNumber ||
    kind instanceof z.ZodBoolean;
  if (!structured) return text;
  try {
    return parse(text);
  } catch {
    return text;
  }
};
