// js-yaml's edges, kept behind this file: events carry offsets but no ends of collections and no quotes; an anchor, a
// tag, a merge key or a second document is not an error to it. Here each of them is, because a reader of a grant must
// see all of it where it stands, and because aliases and merges grow without bound.
import {
  CORE_SCHEMA,
  EVENT_ID,
  type Event,
  getScalarValue,
  parseEvents,
  SCALAR_STYLE,
  type ScalarEvent,
  YAMLException,
} from 'js-yaml';
import type { Problem } from '../bundleError.ts';
import { type Node, type Places, placesOf } from './places.ts';
import { problem } from './problem.ts';
import { readPlain } from './readPlain.ts';

export type Parsed = {
  /** The document as plain data; undefined when it could not be read at all, null when it is empty. */
  value: unknown;
  places: Places;
  problems: Problem[];
};

export type YamlLimits = { bytes: number; depth: number };

/** What hand-written files may take; OpenAPI documents get more. */
const usual: YamlLimits = { bytes: 1024 * 1024, depth: 20 };

const forbidden = new Set(['__proto__', 'constructor', 'prototype']);

type Frame =
  | { kind: 'sequence'; node: Node; flow: boolean; items: unknown[] }
  | { kind: 'mapping'; node: Node; flow: boolean; members: Record<string, unknown>; key: Key | null };
type Key = { name: string; node: Node; skip: boolean };

/**
 * The same, by the shortest way: files of grants mostly have a form that takes no reader of all YAML.
 */
export function parseYaml(text: string, file: string, limits: YamlLimits = usual): Parsed {
  const plain = text.length > limits.bytes / 2 || limits.depth < usual.depth ? null : readPlain(text);
  return plain === null
    ? parseAnyYaml(text, file, limits)
    : { value: plain.value, places: placesOf(text, file, plain.root), problems: [] };
}

/**
 * Reads one YAML 1.2 document (core schema: dates, `yes` and `no` stay strings). Refuses aliases, anchors, tags,
 * merge keys, directives, duplicate and prototype keys, further documents, lone surrogates, deep nesting and large
 * files; everything found is reported, a syntax error ends the reading. Never throws.
 */
export function parseAnyYaml(text: string, file: string, limits: YamlLimits = usual): Parsed {
  const problems: Problem[] = [];
  const root: Node = { start: 0, end: 0 };
  const places = placesOf(text, file, root);
  const report = (offset: number, code: string, message: string) => {
    problems.push(problem(places.at(offset), code, message));
  };
  const refuse = (offset: number, code: string, message: string): Parsed => {
    report(offset, code, message);
    return { value: undefined, places, problems };
  };

  if (Buffer.byteLength(text) > limits.bytes)
    return refuse(0, 'file-too-large', `the file is larger than ${limits.bytes} bytes`);
  if (!text.isWellFormed())
    return refuse(text.search(/\p{Surrogate}/u), 'lone-surrogate', 'the text holds a lone surrogate');

  let events: Event[];
  try {
    events = parseEvents(text, { maxDepth: limits.depth });
  } catch (error) {
    if (!(error instanceof YAMLException)) throw error;
    const deep = error.reason.includes('maxDepth');
    return refuse(
      Math.min(error.mark?.position ?? 0, text.length),
      deep ? 'yaml-depth' : 'yaml-syntax',
      deep ? `nesting is deeper than ${limits.depth}` : `not valid YAML: ${error.reason}`,
    );
  }

  /** How far the text is understood; what follows is space, comments and punctuation up to the next event. */
  let cursor = 0;
  let documents = 0;
  let value: unknown = null;
  const stack: Frame[] = [];

  const skipTo = (pattern: RegExp): number => {
    let at = cursor;
    while (at < text.length && !pattern.test(text.charAt(at))) {
      if (text.charAt(at) === '#') while (at < text.length && !/[\r\n]/.test(text.charAt(at))) at++;
      else at++;
    }
    return at;
  };

  const accept = (child: unknown, node: Node) => {
    const frame = stack.at(-1);
    if (frame === undefined) {
      value = child;
      Object.assign(root, node);
    } else if (frame.kind === 'sequence') {
      frame.items.push(child);
      frame.node.items?.push(node);
    } else if (frame.key === null) {
      const name = typeof child === 'string' ? child : '';
      let skip = true;
      if (typeof child !== 'string') report(node.start, 'yaml-key', 'a key must be plain text');
      else if (name === '<<')
        report(node.start, 'yaml-merge', 'merge keys are not allowed; write the values out');
      else if (forbidden.has(name))
        report(node.start, 'yaml-forbidden-key', `the key ${JSON.stringify(name)} is not allowed`);
      else if (Object.hasOwn(frame.members, name))
        report(node.start, 'yaml-duplicate-key', `the key ${JSON.stringify(name)} is given twice`);
      else skip = false;
      frame.key = { name, node, skip };
    } else {
      const { name, node: key, skip } = frame.key;
      frame.key = null;
      if (skip) return;
      frame.members[name] = child;
      frame.node.members?.set(name, { key, value: node });
    }
  };

  const scalar = (event: ScalarEvent) => {
    const frame = stack.at(-1);
    const isKey = frame?.kind === 'mapping' && frame.key === null;
    if (event.valueStart < 0) {
      // An empty value stands right after its key's colon or its item's dash, where there is one.
      const at = skipTo(/[^\s#]/);
      const stop = text.charAt(at) === (stack.at(-1)?.kind === 'sequence' ? '-' : ':') ? at + 1 : cursor;
      cursor = stop;
      accept(isKey ? '' : null, { start: stop, end: stop });
      return;
    }
    const source = getScalarValue(text, event);
    const quoted = event.style === SCALAR_STYLE.SINGLE_QUOTED || event.style === SCALAR_STYLE.DOUBLE_QUOTED;
    const block = event.style === SCALAR_STYLE.LITERAL_BLOCK || event.style === SCALAR_STYLE.FOLDED_BLOCK;
    let { valueStart: start, valueEnd: end } = event;
    if (quoted) {
      start--;
      end++;
    } else if (block) {
      start = skipTo(/[|>]/);
      while (end > start && /[\r\n]/.test(text.charAt(end - 1))) end--;
    }
    cursor = end;
    if (!source.isWellFormed()) report(start, 'lone-surrogate', 'the text holds a lone surrogate');
    const resolved =
      event.style === SCALAR_STYLE.PLAIN && !isKey
        ? CORE_SCHEMA.resolveImplicitScalarTag(source).value
        : source;
    accept(resolved, { start, end });
  };

  for (const event of events) {
    if (event.type === EVENT_ID.DOCUMENT) {
      documents++;
      if (documents === 2) {
        return refuse(cursor, 'yaml-documents', 'a file holds one document, this one goes on after "---"');
      }
      if (event.directives.length > 0)
        report(0, 'yaml-directive', 'directives (%YAML, %TAG) are not allowed');
      continue;
    }
    if (event.type === EVENT_ID.POP) {
      const frame = stack.pop();
      if (frame === undefined) continue;
      if (frame.flow) cursor = skipTo(frame.kind === 'sequence' ? /\]/ : /\}/) + 1;
      frame.node.end = Math.max(frame.node.end, cursor);
      accept(frame.kind === 'sequence' ? frame.items : frame.members, frame.node);
      continue;
    }
    if (event.anchorStart >= 0) {
      const alias = event.type === EVENT_ID.ALIAS;
      report(
        event.anchorStart - 1,
        alias ? 'yaml-alias' : 'yaml-anchor',
        `${alias ? 'aliases (*name)' : 'anchors (&name)'} are not allowed; write the value out`,
      );
      cursor = Math.max(cursor, event.anchorEnd);
    }
    if (event.type === EVENT_ID.ALIAS) {
      accept(null, { start: event.anchorStart - 1, end: event.anchorEnd });
      continue;
    }
    if (event.tagStart >= 0) {
      report(event.tagStart, 'yaml-tag', 'tags (!name) are not allowed');
      cursor = Math.max(cursor, event.tagEnd);
    }
    if (event.type === EVENT_ID.SCALAR) {
      scalar(event);
      continue;
    }
    cursor = Math.max(cursor, event.start);
    const flow = text.charAt(event.start) === '[' || text.charAt(event.start) === '{';
    if (event.type === EVENT_ID.SEQUENCE)
      stack.push({
        kind: 'sequence',
        flow,
        items: [],
        node: { start: event.start, end: event.start, items: [] },
      });
    else
      stack.push({
        kind: 'mapping',
        flow: flow && event.style === 2,
        members: {},
        key: null,
        node: { start: event.start, end: event.start, members: new Map() },
      });
  }
  return { value, places, problems };
}
