import { parse } from 'yaml';
import type { SettingsDocument } from '../core/model.ts';
import { usageError } from './context.ts';

const NAME = /^[A-Za-z_][A-Za-z0-9_-]*$/;

/**
 * `a.b=1 c=x` as the document `{a: {b: 1}, c: 'x'}`. Values are YAML, so that numbers, true, null and lists are what they
 * look like. A parameter whose own name has a dot is written in quotes: `parameters."auto_explain.log_min_duration"=1s`.
 */
export const assignments = (texts: readonly string[]): SettingsDocument => {
  let document: SettingsDocument = {};
  for (const text of texts) {
    const mark = text.indexOf('=');
    const path = mark < 0 ? undefined : splitName(text.slice(0, mark));
    if (path === undefined) throw usageError(`"${text}" is no setting.`, 'Write name=value, for instance ttl=20s.');
    document = withSetting(document, path, parsed(text.slice(mark + 1)));
  }
  return document;
};

/** Reads a YAML (or JSON) text that must be a section of settings. */
export const readDocument = (text: string): SettingsDocument => {
  const value = parsed(text) ?? {};
  if (isDocument(value)) return value;
  throw usageError('The configuration must be a section of settings.', 'For instance: ttl: 20s');
};

const parsed = (text: string): unknown => {
  try {
    const value: unknown = parse(text, { maxAliasCount: 0 });
    return value;
  } catch (error) {
    throw usageError(
      `This is no YAML: ${error instanceof Error ? (error.message.split('\n')[0] ?? '') : String(error)}`,
      'Check quotes and indentation.',
    );
  }
};

const splitName = (text: string): readonly string[] | undefined => {
  const parts = [...text.matchAll(/"([^"]+)"|([^."]+)/g)].map((match) => ({ quoted: match[1], plain: match[2] }));
  const whole = parts.map(({ quoted, plain }) => (quoted === undefined ? (plain ?? '') : `"${quoted}"`)).join('.');
  if (parts.length === 0 || whole !== text) return undefined;
  return parts.every(({ plain }) => plain === undefined || NAME.test(plain))
    ? parts.map(({ quoted, plain }) => quoted ?? plain ?? '')
    : undefined;
};

const withSetting = (document: SettingsDocument, path: readonly string[], value: unknown): SettingsDocument => {
  const [name = '', ...rest] = path;
  if (rest.length === 0) return { ...document, [name]: value };
  const section = document[name];
  return { ...document, [name]: withSetting(isDocument(section) ? section : {}, rest, value) };
};

const isDocument = (value: unknown): value is SettingsDocument =>
  typeof value === 'object' && value !== null && !Array.isArray(value);
