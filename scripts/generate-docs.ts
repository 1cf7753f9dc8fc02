import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { format, resolveConfig } from 'prettier';
import { chaosPage } from './docs/chaos-page.ts';
import { configurationPage } from './docs/configuration-page.ts';
import { errorsPage } from './docs/errors-page.ts';
import { haagentctlPage } from './docs/haagentctl-page.ts';
import { metricsPage } from './docs/metrics-page.ts';
import { restPage } from './docs/rest-page.ts';
import { rulesPage } from './docs/rules-page.ts';
import { safetyPage } from './docs/safety-page.ts';

/**
 * Writes the reference pages from what the program itself uses: schemas, error table, metrics.
 * `--check` changes nothing and fails where a page is not what would be written.
 */
const PAGES: Readonly<Record<string, () => string>> = {
  'docs/chaos.md': chaosPage,
  'docs/reference/configuration.md': configurationPage,
  'docs/reference/errors.md': errorsPage,
  'docs/reference/metrics.md': metricsPage,
  'docs/reference/rest.md': restPage,
  'docs/haagentctl.md': haagentctlPage,
  'docs/reference/rules.md': rulesPage,
  'docs/safety.md': safetyPage,
};

const ROOT = join(import.meta.dirname, '..');
const NOTE = '<!-- Made by scripts/generate-docs.ts from the program itself: do not edit. -->';

const main = async (check: boolean): Promise<number> => {
  const stale: string[] = [];
  for (const [path, page] of Object.entries(PAGES)) {
    const file = join(ROOT, path);
    const options = await resolveConfig(file);
    const text = await format(`${NOTE}\n\n${page()}`, { ...options, parser: 'markdown' });
    if (text === current(file)) continue;
    stale.push(path);
    if (check) continue;
    mkdirSync(dirname(file), { recursive: true });
    writeFileSync(file, text);
  }
  if (stale.length === 0) return 0;
  console.log(check ? `not up to date: ${stale.join(', ')}; run: npm run docs` : `written: ${stale.join(', ')}`);
  return check ? 1 : 0;
};

const current = (file: string): string | undefined => {
  try {
    return readFileSync(file, 'utf8');
  } catch {
    return undefined;
  }
};

process.exitCode = await main(process.argv.includes('--check'));
