import { stringify } from 'yaml';
import { z } from 'zod';
import { leavesOf } from './environment.ts';
import type { FieldMeta } from './fields.ts';
import { bare, childrenOf, type AnySchema } from './schema-walk.ts';

/** One setting as the reference page and the commented example show it. */
export interface Setting {
  readonly path: readonly string[];
  readonly env: string;
  readonly kind: string;
  /** `required`, a default value as YAML, or words where it depends on something else. */
  readonly otherwise: { readonly kind: 'required' | 'words' | 'none' | 'value'; readonly text: string };
  readonly description: string;
}

/** The settings of a schema in its order, with what the schema itself says of them. */
export const settingsOf = (schema: AnySchema): readonly Setting[] =>
  leavesOf(schema).map((leaf) => ({
    path: leaf.path,
    env: leaf.env,
    kind: kindOf(leaf.schema),
    otherwise: otherwiseOf(leaf.schema),
    description: descriptionOf(leaf.schema),
  }));

/** The settings of each entry of a list, or of each named value of a section; empty where those are no sections. */
export const entriesOf = (schema: AnySchema): readonly Setting[] => {
  const here = bare(schema);
  const entry = here instanceof z.ZodArray ? here.def.element : here instanceof z.ZodRecord ? here.def.valueType : here;
  return entry === here || childrenOf(entry, []) === undefined ? [] : settingsOf(entry);
};

export const descriptionOf = (schema: AnySchema): string => metaOf(schema).description ?? '';

const inner = (schema: AnySchema): AnySchema | undefined => {
  if (schema instanceof z.ZodDefault || schema instanceof z.ZodPrefault || schema instanceof z.ZodOptional)
    return schema.def.innerType;
  return schema instanceof z.ZodPipe ? schema.def.in : undefined;
};

/** What was noted at the schema and at what it wraps; the outermost note counts. */
const metaOf = (schema: AnySchema): FieldMeta => {
  const below = inner(schema);
  return Object.assign(below === undefined ? {} : metaOf(below), z.globalRegistry.get(schema));
};

const kindOf = (schema: AnySchema): string => {
  const noted = metaOf(schema).kind;
  if (noted !== undefined) return noted;
  const here = bare(schema);
  if (here instanceof z.ZodEnum) return here.options.map((each) => `\`${each}\``).join(', ');
  if (here instanceof z.ZodBoolean) return 'true or false';
  if (here instanceof z.ZodNumber) return here.format === 'safeint' ? 'whole number' : 'number';
  if (here instanceof z.ZodArray) return 'list';
  return 'text';
};

const otherwiseOf = (schema: AnySchema): Setting['otherwise'] => {
  const { shown } = metaOf(schema);
  const wrapper = wrapperOf(schema);
  if (shown !== undefined) return { kind: /^[^ ]+$/.test(shown) ? 'value' : 'words', text: shown };
  if (wrapper instanceof z.ZodDefault) return { kind: 'value', text: yamlText(wrapper.def.defaultValue) };
  return wrapper === undefined ? { kind: 'required', text: 'required' } : { kind: 'none', text: 'none' };
};

/** A value on one line of YAML. */
export const yamlText = (value: unknown): string =>
  stringify(value, { collectionStyle: 'flow', flowCollectionPadding: false, lineWidth: 0 }).trim();

const wrapperOf = (schema: AnySchema): AnySchema | undefined => {
  if (schema instanceof z.ZodDefault || schema instanceof z.ZodOptional) return schema;
  const below = inner(schema);
  return below === undefined ? undefined : wrapperOf(below);
};
