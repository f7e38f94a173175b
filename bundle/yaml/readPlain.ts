import { CORE_SCHEMA } from 'js-yaml';
import type { Node } from './places.ts';

/** Everything else has its own rules in YAML: other line ends, tabs, marks that nobody sees. */
const printable = /^[\n\x20-\x7e\u00a1-\u024f]*$/;
const keyAt = /([A-Za-z][A-Za-z0-9_-]*): +/y;
const doubleAt = /"([^"\\\n]*)"/y;
const singleAt = /'([^'\n]*)'/y;
const plainAt = /[A-Za-z0-9_(/](?:[^\n:#]|:(?=\S))*/y;
const plainInBracketsAt = /[A-Za-z0-9_/](?:[A-Za-z0-9_/.@+=\u00c0-\u024f -]|:(?=[A-Za-z0-9/]))*/y;
/** Text to YAML's core schema, whatever follows; everything else is asked of the schema. */
const isText = /^(?:[A-Za-z_(/]|\d{4}-\d{2}-\d{2}(?:T|$))/;
const isWord = /^(?:true|false|null)$/i;

const forbidden = new Set(['constructor', 'prototype']);
const [space, hash, comma, dash] = [32, 35, 44, 45];

type Read = { value: unknown; node: Node };
type Mapping = { value: Record<string, unknown>; node: Node & { members: NonNullable<Node['members']> } };

/** Where reading stops being plain. */
class NotPlain extends Error {}

/**
 * Reads a list of mappings as nearly all files of grants are written: an item a dash, a key a line, values in one line,
 * comments. A fraction of the time that YAML takes, and the same values at the same places, which a test holds against
 * the reader of all YAML; null for any text that has a form of which that is not certain, and is for that one.
 */
export function readPlain(text: string): { value: unknown[]; root: Node } | null {
  if (!printable.test(text)) return null;
  try {
    return readList(text);
  } catch (error) {
    if (error instanceof NotPlain) return null;
    throw error;
  }
}

function readList(text: string) {
  const value: unknown[] = [];
  const items: Node[] = [];
  let item: Mapping | null = null;
  for (let line = 0; line < text.length; ) {
    const found = text.indexOf('\n', line);
    const stop = found < 0 ? text.length : found;
    let at = line;
    while (at < stop && text.charCodeAt(at) === space) at++;
    const indent = at - line;
    line = stop + 1;
    if (at === stop || text.charCodeAt(at) === hash) continue;
    if (indent === 0 && text.charCodeAt(at) === dash && text.charCodeAt(at + 1) === space) {
      at += 2;
      item = mappingAt(at);
      value.push(item.value);
      items.push(item.node);
    } else if (indent !== 2) return null;
    if (item === null) return null;
    const end = memberAt(text, at, item, valueAt);
    item.node.end = end;
    if (!isOver(text, end, stop)) return null;
  }
  const [first, last] = [items[0], items.at(-1)];
  if (first === undefined || last === undefined) return null;
  return { value, root: { start: first.start - 2, end: last.end, items } };
}

const mappingAt = (start: number): Mapping => ({
  value: {},
  node: { start, end: start, members: new Map() },
});

/** Reads a key and its value into a mapping, and says where the value ends. */
function memberAt(
  text: string,
  at: number,
  { value, node }: Mapping,
  readValue: (text: string, at: number) => Read,
): number {
  const [whole, name = ''] = matchAt(keyAt, text, at);
  if (forbidden.has(name) || Object.hasOwn(value, name)) throw new NotPlain();
  const read = readValue(text, at + whole.length);
  value[name] = read.value;
  node.members.set(name, { key: { start: at, end: at + name.length }, value: read.node });
  return read.node.end;
}

/** Nothing but space and a comment is left of the line. */
function isOver(text: string, end: number, stop: number): boolean {
  let at = end;
  while (at < stop && text.charCodeAt(at) === space) at++;
  return at === stop || (at > end && text.charCodeAt(at) === hash);
}

function matchAt(pattern: RegExp, text: string, at: number): RegExpExecArray {
  pattern.lastIndex = at;
  const found = pattern.exec(text);
  if (found === null) throw new NotPlain();
  return found;
}

function valueAt(text: string, at: number): Read {
  return collectionOrQuotedAt(text, at, 0) ?? plain(matchAt(plainAt, text, at)[0], at);
}

function valueInBracketsAt(text: string, at: number, depth: number): Read {
  return collectionOrQuotedAt(text, at, depth) ?? plain(matchAt(plainInBracketsAt, text, at)[0], at);
}

function collectionOrQuotedAt(text: string, at: number, depth: number): Read | null {
  switch (text.charAt(at)) {
    case '"':
      return quoted(matchAt(doubleAt, text, at), at);
    case "'":
      return quoted(matchAt(singleAt, text, at), at);
    case '[':
      return sequenceAt(text, at, depth + 1);
    case '{':
      return flowMappingAt(text, at, depth + 1);
    default:
      return null;
  }
}

const quoted = ([whole, value]: RegExpExecArray, start: number): Read => ({
  value,
  node: { start, end: start + whole.length },
});

function plain(found: string, start: number): Read {
  const source = found.trimEnd();
  const isString = isText.test(source) && !(source.length < 6 && isWord.test(source));
  return {
    value: isString ? source : CORE_SCHEMA.resolveImplicitScalarTag(source).value,
    node: { start, end: start + source.length },
  };
}

/** What stands between brackets in one line, and where they close. */
function betweenBrackets(
  text: string,
  start: number,
  close: string,
  depth: number,
  take: (at: number) => number,
) {
  if (depth > 3) throw new NotPlain();
  let at = pastSpaces(text, start + 1);
  if (text.charAt(at) === close) return at + 1;
  for (;;) {
    at = pastSpaces(text, take(at));
    if (text.charAt(at) === close) return at + 1;
    if (text.charCodeAt(at) !== comma) throw new NotPlain();
    at = pastSpaces(text, at + 1);
  }
}

function sequenceAt(text: string, start: number, depth: number): Read {
  const value: unknown[] = [];
  const items: Node[] = [];
  const end = betweenBrackets(text, start, ']', depth, (at) => {
    const read = valueInBracketsAt(text, at, depth);
    value.push(read.value);
    items.push(read.node);
    return read.node.end;
  });
  return { value, node: { start, end, items } };
}

function flowMappingAt(text: string, start: number, depth: number): Read {
  const mapping = mappingAt(start);
  mapping.node.end = betweenBrackets(text, start, '}', depth, (at) =>
    memberAt(text, at, mapping, (_, value) => valueInBracketsAt(text, value, depth)),
  );
  return mapping;
}

function pastSpaces(text: string, from: number): number {
  let at = from;
  while (text.charCodeAt(at) === space) at++;
  return at;
}
