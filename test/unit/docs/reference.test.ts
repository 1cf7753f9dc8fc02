import { execFile } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { describe, expect, it } from 'vitest';
import { leavesOf } from '../../../src/config/environment.ts';
import { localSchema } from '../../../src/config/local-schema.ts';
import { entriesOf, settingsOf } from '../../../src/config/reference.ts';
import { settingsSchema } from '../../../src/config/settings-schema.ts';

const ROOT = join(import.meta.dirname, '..', '..', '..');
const page = (name: string): string => readFileSync(join(ROOT, 'docs', name), 'utf8');

describe('the reference pages', () => {
  it('are what the program would write now', { timeout: 30_000 }, async () => {
    const check = promisify(execFile)(process.execPath, [join(ROOT, 'scripts/generate-docs.ts'), '--check']);
    await expect(check).resolves.toMatchObject({ stdout: '' });
  });

  it('explain every setting', () => {
    const all = [localSchema, settingsSchema].flatMap((schema) => [
      ...settingsOf(schema),
      ...leavesOf(schema).flatMap((leaf) => entriesOf(leaf.schema)),
    ]);
    for (const setting of all) expect(setting.description, setting.path.join('.')).toMatch(/^[A-Z/].*\.$/i);
    for (const { env } of settingsOf(localSchema)) expect(page('reference/configuration.md')).toContain(env);
  });
});

describe('docs/dependencies.md', () => {
  const manifest = (path: string): { readonly [field: string]: Readonly<Record<string, string>> & string } =>
    JSON.parse(readFileSync(join(ROOT, path), 'utf8')) as never;
  const { dependencies, devDependencies } = manifest('package.json');
  const listed = [...page('dependencies.md').matchAll(/^\| `([^`]+)` +\| (.+?) +\| (.+?) +\| (.+?) +\|$/gm)];

  it('has one line for each dependency, and no other', () => {
    const names = listed.map((line) => line[1]);
    expect(new Set(names)).toEqual(new Set([...Object.keys(dependencies!), ...Object.keys(devDependencies!)]));
    expect(names).toHaveLength(new Set(names).size);
  });

  it('names the licence that the package has', () => {
    for (const [, name, , , licence] of listed)
      expect(manifest(`node_modules/${name}/package.json`)['license'], name).toBe(licence);
  });
});
