import { localSchema, OTHER_LOCAL_NAMES } from '../../src/config/local-schema.ts';
import { descriptionOf, entriesOf, settingsOf, type Setting } from '../../src/config/reference.ts';
import { childrenOf, type AnySchema } from '../../src/config/schema-walk.ts';
import { OTHER_SETTING_NAMES, settingsSchema } from '../../src/config/settings-schema.ts';
import { code, table } from './markdown.ts';

const otherwise = ({ otherwise: { kind, text } }: Setting): string => (kind === 'value' ? code(text) : text);

/** The settings of a section; those of list entries and named values follow, indented by their path. */
const rows = (schema: AnySchema, path: readonly string[], withEnv: boolean): readonly (readonly string[])[] =>
  settingsOf(schema).flatMap((setting) => {
    const full = [...path, ...setting.path].join('.');
    const field = setting.path.length === 0 ? schema : fieldOf(schema, setting.path);
    const env = code(`HAAGENT_${[...path, ...setting.path].join('_').toUpperCase()}`);
    const own = [code(full), setting.kind, otherwise(setting), ...(withEnv ? [env] : []), setting.description];
    const each = setting.kind.startsWith('list') ? '[]' : '.NAME';
    const below = entriesOf(field).map((entry) => [
      code(`${full}${each}.${entry.path.join('.')}`),
      entry.kind,
      otherwise(entry),
      ...(withEnv ? [''] : []),
      entry.description,
    ]);
    return [own, ...below];
  });

const fieldOf = (schema: AnySchema, path: readonly string[]): AnySchema => {
  const [name = '', ...rest] = path;
  const field = childrenOf(schema, [])?.[name] ?? schema;
  return rest.length === 0 ? field : fieldOf(field, rest);
};

const localSections = (): string =>
  Object.entries(childrenOf(localSchema, []) ?? {})
    .map(
      ([name, schema]) =>
        `### ${name}\n\n${descriptionOf(schema)}\n\n${table(['setting', 'kind', 'default', 'environment', 'meaning'], rows(schema, [name], true))}`,
    )
    .join('\n\n');

const otherNames = (names: ReadonlyMap<string, string>): string =>
  table(
    ['elsewhere', 'here'],
    [...names]
      .filter(([other, ours]) => !ours.endsWith(`.${other}`))
      .map(([other, ours]) => [code(other), /^[a-z_.]+$/.test(ours) ? code(ours) : ours]),
  );

/** Both configurations: the local file of each member, and the dynamic one that all share. */
export const configurationPage = (): string => `# Configuration

There are two. The **local** file (\`/etc/haagent/haagent.yml\`) belongs to one member and says where things are. The **dynamic**
configuration is shared by all members, lives in etcd and says how the cluster behaves.

- An unknown name, a wrong value, or a file with secrets that others can read is refused. Every fault is named at once: its line,
  what was found, and what would be right. \`haagent config check FILE\` says the same without starting anything;
  \`haagent config init\` writes a commented file, also from the data directory of a server that is there already.
- Lengths of time have a unit: \`500ms\`, \`10s\`, \`2min\`, \`1h\`, \`1d\`. Sizes count by 1024: \`16MB\`; a bare number is bytes.
- Defaults in words depend on other settings or on the host. \`required\` inside a section that may be left out counts where
  the section is there.

## Local configuration

**Environment.** Every setting can come from the environment instead, and the environment wins: \`HAAGENT_\` and the path in
capitals, joined by \`_\`. Text is taken as it is; numbers, booleans, lists and sections of free names are read as YAML; a list of
texts may also be written with commas.

**Secrets** are given by value, by file (\`password_file\`), or by environment. The value in the file is text in quotes. A file
with a secret, named or holding it, may be readable by its owner only (\`chmod 600\`). Secrets are never logged or printed.

${localSections()}

### Names in other tools

${otherNames(OTHER_LOCAL_NAMES)}

## Dynamic configuration

Shown by \`haagentctl config show\`, changed by \`config edit\` and \`config set\` or by \`PATCH /config\` (a merge patch: sections are
merged, \`null\` deletes). It is checked as a whole before it is written, written only where nobody else changed it meanwhile, and every
version is kept with who and when. A new cluster begins with \`bootstrap.settings\` of the member that creates it.

These times must fit together, or the configuration is refused:
\`heartbeat_interval + 2 x call_timeout + fence_budget + margin <= ttl x (1 - drift)\`.

Database parameters that run programs, load code, name files, or belong to the agent are refused here: no command line ever comes
from etcd. The message says where each is set instead.

${table(['setting', 'kind', 'default', 'meaning'], rows(settingsSchema, [], false))}

### Names in other tools

${otherNames(OTHER_SETTING_NAMES)}
`;
