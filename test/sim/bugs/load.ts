import { registerHooks } from 'node:module';
import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import type { simulate } from '../simulate.ts';
import type { Bug } from './bug.ts';

/**
 * The real core with one measure switched off, beside the whole one in the same process: modules are loaded anew under
 * `?bug=<id>`, and the source of those that the bug changes is changed on the way (docs/decisions/0014).
 */

const SOURCE = new URL('../../../src/', import.meta.url).href;
const PROJECT = new URL('../../../', import.meta.url).href;
const loading = new Map<string, Bug>();

const markOf = (url: string | undefined): string | undefined =>
  url === undefined ? undefined : (new URL(url).searchParams.get('bug') ?? undefined);

registerHooks({
  resolve: (specifier, context, next) => {
    const resolved = next(specifier, context);
    const mark = markOf(context.parentURL);
    const ours = resolved.url.startsWith(PROJECT) && !resolved.url.includes('/node_modules/');
    return mark === undefined || !ours ? resolved : { ...resolved, url: `${resolved.url}?bug=${mark}` };
  },
  load: (url, context, next) => {
    const bug = loading.get(markOf(url) ?? '');
    const [file] = url.split('?');
    const patches = bug?.patches.filter((patch) => `${SOURCE}${patch.file}` === file) ?? [];
    if (patches.length === 0) return next(url, context);
    const { source: _, ...loaded } = next(url, context);
    return { ...loaded, source: patched(readFileSync(fileURLToPath(file ?? ''), 'utf8'), patches) };
  },
});

const patched = (source: string, patches: Bug['patches']): string => {
  let text = source;
  for (const { find, replace } of patches) text = text.replace(find, () => replace);
  return text;
};

/** Why a bug cannot be planted any more; undefined when it can. The code that it breaks may have moved. */
export const misfit = (bug: Bug): string | undefined => {
  for (const { file, find } of bug.patches) {
    const found = readFileSync(new URL(file, SOURCE), 'utf8').split(find).length - 1;
    if (found !== 1) return `${bug.id}: src/${file} holds ${found} times (it must be once): ${find}`;
  }
  return undefined;
};

/** The simulator over a core with this bug. */
export const loadBroken = async (bug: Bug): Promise<typeof simulate> => {
  loading.set(bug.id, bug);
  const module: { simulate: typeof simulate } = await import(`../simulate.ts?bug=${bug.id}`);
  return module.simulate;
};
