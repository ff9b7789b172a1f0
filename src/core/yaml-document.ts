// A YAML text as a plain value, with the place of every key and value, and with all that is wrong in its form.
import {
  type Alias,
  type Document,
  isAlias,
  isMap,
  isScalar,
  isSeq,
  LineCounter,
  type Node,
  parseAllDocuments,
  visit,
  type YAMLError,
} from 'yaml';
import { type Mistake, pathText, type Position } from './mistakes.ts';

/** Aliases may stand for this many copies in all: enough for people, too few for a text that grows a thousandfold. */
const MAX_ALIAS_COUNT = 100;

export type YamlDocument = {
  file: string;
  /** Plain JSON-like value; undefined when the text is too broken to be judged further. */
  value: unknown;
  mistakes: Mistake[];
  /** Where the value at `path` stands, or its key; for one that is missing, where the nearest parent begins. */
  placeOf: (path: readonly PropertyKey[], part?: 'key' | 'value') => Position;
};

/** Reads one YAML 1.2 document; every mistake in its form is in the result, none is thrown. `file` is only for the messages. */
export function readYaml(file: string, text: string): YamlDocument {
  const lines = new LineCounter();
  const positionOf = (offset: number): Position => {
    const { line, col } = lines.linePos(offset);
    return { line: Math.max(1, line), column: Math.max(1, col) };
  };
  const parsed = parseAllDocuments(text, { lineCounter: lines, prettyErrors: false, stringKeys: true });
  const [document, second] = parsed;
  const mistakes: Mistake[] = [];
  const add = (offset: number, mistake: Pick<Mistake, 'expected' | 'found'>) => {
    const position = positionOf(offset);
    // One slip makes the parser stumble several times at the same place: the first says it best.
    if (mistakes.some(({ line, column }) => line === position.line && column === position.column)) return;
    mistakes.push({ file, ...position, path: '', didYouMean: null, ...mistake });
  };
  if (document === undefined) {
    return { file, value: null, mistakes, placeOf: () => ({ line: 1, column: 1 }) };
  }
  for (const error of [...document.errors, ...document.warnings]) add(faultOffset(error, document), formMistake(error, text));
  if (second) add(second.range[0], { expected: 'one document in a file', found: 'a second one' });
  for (const alias of unresolvedAliases(document)) {
    add(alias.range?.[0] ?? 0, { expected: `an anchor &${alias.source} before this alias`, found: 'none' });
  }
  const isReadable = [...document.errors, ...document.warnings].every(
    ({ code }) => code === 'DUPLICATE_KEY' || code === 'TAG_RESOLVE_FAILED',
  );
  let value: unknown;
  if (isReadable && unresolvedAliases(document).length === 0) {
    try {
      value = document.toJS({ maxAliasCount: MAX_ALIAS_COUNT });
    } catch (error) {
      if (!(error instanceof ReferenceError)) throw error;
      add(firstAlias(document)?.range?.[0] ?? 0, { expected: `aliases for at most ${String(MAX_ALIAS_COUNT)} copies`, found: 'far more' });
    }
  }
  return { file, value, mistakes, placeOf: (path, part = 'value') => positionOf(offsetOf(document, path, part)) };
}

/** A mistake about the value (or key) at `path`, with its place. */
export function mistakeAt(
  document: YamlDocument,
  path: readonly PropertyKey[],
  about: Pick<Mistake, 'expected' | 'found'> & { didYouMean?: string | null; part?: 'key' | 'value' },
): Mistake {
  const { expected, found, didYouMean = null, part = 'value' } = about;
  return { file: document.file, ...document.placeOf(path, part), path: pathText(path), expected, found, didYouMean };
}

function formMistake(error: YAMLError, text: string): Pick<Mistake, 'expected' | 'found'> {
  const [from, to] = error.pos;
  const oneKeyALine = 'one "key: value" a line, indented like its neighbours, and quotes around a value that holds ": "';
  const known: Partial<Record<YAMLError['code'], Pick<Mistake, 'expected' | 'found'> | undefined>> = {
    DUPLICATE_KEY: { expected: 'each key once', found: `${/^[^\s:]+/.exec(text.slice(from))?.[0] ?? 'a key'} a second time` },
    TAB_AS_INDENT: { expected: 'blanks for indentation', found: 'a tab' },
    BLOCK_AS_IMPLICIT_KEY: { expected: oneKeyALine, found: null },
    MULTILINE_IMPLICIT_KEY: { expected: oneKeyALine, found: null },
    MISSING_CHAR: error.message.includes('quote') ? { expected: 'a closing quote', found: 'none' } : undefined,
    TAG_RESOLVE_FAILED: { expected: 'a plain value', found: `the tag ${text.slice(from, to)}` },
  };
  return known[error.code] ?? { expected: 'a text that YAML can read', found: `a fault in its form (${error.message})` };
}

/** Where a person must look: for a quote that is never closed that is its beginning, not the end of the file. */
function faultOffset(error: YAMLError, document: Document): number {
  let [offset] = error.pos;
  if (error.code !== 'MISSING_CHAR') return offset;
  visit(document, {
    Scalar(_key, { range }) {
      if (range && range[0] < error.pos[0] && error.pos[0] <= range[2]) [offset] = range;
    },
  });
  return offset;
}

function unresolvedAliases(document: Document): Alias[] {
  return aliases(document).filter((alias) => alias.resolve(document) === undefined);
}

function firstAlias(document: Document): Alias | undefined {
  return aliases(document)[0];
}

function aliases(document: Document): Alias[] {
  const found: Alias[] = [];
  visit(document, {
    Alias(_key, alias) {
      found.push(alias);
    },
  });
  return found;
}

function offsetOf(document: Document, path: readonly PropertyKey[], part: 'key' | 'value'): number {
  let node: Node | null | undefined = document.contents;
  let offset = startOf(node) ?? 0;
  for (const [depth, step] of path.entries()) {
    if (isAlias(node)) node = node.resolve(document);
    if (isMap(node)) {
      const pair = node.items.find(({ key }) => isScalar(key) && String(key.value) === String(step));
      if (!pair) return offset;
      const wantsKey = part === 'key' && depth === path.length - 1;
      offset = (wantsKey ? undefined : startOf(pair.value)) ?? startOf(pair.key) ?? offset;
      node = pair.value as Node | null;
    } else if (isSeq(node)) {
      node = node.items[Number(step)] as Node | undefined;
      offset = startOf(node) ?? offset;
    } else return offset;
  }
  return offset;
}

function startOf(node: unknown): number | undefined {
  return (node as Node | null | undefined)?.range?.[0];
}
