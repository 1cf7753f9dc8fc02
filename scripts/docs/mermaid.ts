import { rules } from '../../src/core/rules.ts';

/** One arrow of a diagram: from rule to rule, with what leads from one to the other where that is no matter of course. */
export type Arrow = readonly [from: string, to: string, when?: string];

const whyOf = (id: string): string => {
  const rule = rules.find((each) => each.id === id);
  if (rule === undefined) throw new Error(`a diagram names the rule ${id}, which is not in the table`);
  return rule.why;
};

/** Mermaid's own marks are no part of a text. */
const plain = (text: string): string => text.replaceAll('"', "'").replaceAll(/[[\]{}<>|]/g, '');

/** Lines of at most so many characters. */
const wrapped = (text: string, width = 46): string =>
  text
    .split(' ')
    .reduce<readonly string[]>((lines, word) => {
      const last = lines.at(-1) ?? '';
      const longer = `${last} ${word}`.trim();
      return longer.length <= width ? [...lines.slice(0, -1), longer] : [...lines, word];
    }, [])
    .join('<br/>');

/** A diagram of rules in the order in which they decide: the text of each is that of the table. */
export const ruleFlow = (arrows: readonly Arrow[]): string => {
  const ids = [...new Set(arrows.flatMap(([from, to]) => [from, to]))];
  const node = (id: string): string => `n${ids.indexOf(id)}`;
  return [
    '```mermaid',
    'flowchart TD',
    ...ids.map((id) => `  ${node(id)}["<b>${id}</b><br/>${wrapped(plain(whyOf(id)))}"]`),
    ...arrows.map(
      ([from, to, when]) => `  ${node(from)} -->${when === undefined ? '' : `|"${plain(when)}"|`} ${node(to)}`,
    ),
    '```',
  ].join('\n');
};
