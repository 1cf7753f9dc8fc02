import { isMap, isNode, isPair, isSeq, LineCounter, parseDocument, type Document, type Node } from 'yaml';
import { faultAt, type Fault, type Result } from './faults.ts';

/** A configuration file as text, parsed: its value, and where in it each setting stands. */
export interface ConfigDocument {
  readonly value: Readonly<Record<string, unknown>>;
  /** The line (from 1) of a setting, or of the nearest section above it that is there. */
  lineOf(path: readonly PropertyKey[]): number | undefined;
}

/** Parses YAML; what is no YAML, or no section at its top, becomes faults with their lines. */
export const readDocument = (text: string): Result<ConfigDocument> => {
  const lines = new LineCounter();
  const document = parseDocument(text, { lineCounter: lines, prettyErrors: false });
  if (document.errors.length > 0)
    return {
      kind: 'faults',
      faults: document.errors.map((error): Fault => ({
        ...faultAt([], 'text that is not YAML', error.message),
        line: lines.linePos(error.pos[0]).line,
      })),
    };
  const value = plain(document);
  if (value === undefined)
    return {
      kind: 'faults',
      faults: [
        faultAt([], 'no section at all', 'sections such as cluster, etcd and one of postgresql, mysql and mariadb'),
      ],
    };
  return { kind: 'ok', value: { value, lineOf: (path) => lineOf(document, lines, path) } };
};

const plain = (document: Document): Readonly<Record<string, unknown>> | undefined => {
  const value: unknown = document.toJS({ maxAliasCount: 100 });
  return typeof value === 'object' && value !== null && !Array.isArray(value) ? { ...value } : undefined;
};

const lineOf = (document: Document, lines: LineCounter, path: readonly PropertyKey[]): number | undefined => {
  let node: unknown = document.contents;
  let at: Node | undefined;
  for (const part of path) {
    const next = step(node, part);
    if (next === undefined) break;
    at = next.at;
    node = next.node;
  }
  return at?.range === undefined || at.range === null ? undefined : lines.linePos(at.range[0]).line;
};

const step = (
  node: unknown,
  part: PropertyKey,
): { readonly node: unknown; readonly at: Node | undefined } | undefined => {
  if (isSeq(node) && typeof part === 'number') {
    const item = node.items[part];
    return isNode(item) ? { node: item, at: item } : undefined;
  }
  if (!isMap(node)) return undefined;
  const pair = node.items.find((item) => isPair(item) && String(item.key) === part);
  return pair === undefined ? undefined : { node: pair.value, at: isNode(pair.key) ? pair.key : undefined };
};
