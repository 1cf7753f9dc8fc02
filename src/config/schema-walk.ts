import { z } from 'zod';

/** Looks into zod schemas: for suggestions, environment names and the reference page. */
export type AnySchema = z.core.$ZodType;

/** The schema without its wrappers (default, optional, transform). */
export const bare = (schema: AnySchema): AnySchema => {
  if (schema instanceof z.ZodDefault || schema instanceof z.ZodPrefault || schema instanceof z.ZodOptional)
    return bare(schema.def.innerType);
  if (schema instanceof z.ZodPipe) return bare(schema.def.in);
  return schema;
};

/** The fields of the section at this path; `undefined` where there is none with fixed names. */
export const childrenOf = (
  schema: AnySchema,
  path: readonly PropertyKey[],
): Readonly<Record<string, AnySchema>> | undefined => {
  const here = bare(schema);
  const [first, ...rest] = path;
  if (here instanceof z.ZodArray && typeof first === 'number') return childrenOf(here.def.element, rest);
  if (here instanceof z.ZodRecord && first !== undefined) return childrenOf(here.def.valueType, rest);
  if (!(here instanceof z.ZodObject)) return undefined;
  if (first === undefined) return here.def.shape;
  const child = typeof first === 'string' && Object.hasOwn(here.def.shape, first) ? here.def.shape[first] : undefined;
  return child === undefined ? undefined : childrenOf(child, rest);
};
