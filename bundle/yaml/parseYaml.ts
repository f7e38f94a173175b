// js-yaml's edges, kept behind this file: events carry offsets but no ends of collections and no quotes; an anchor, a
// tag, a merge key or a second document is not an error to it. Here each of them is, because a reader of a grant must
// see all of it where it stands, and because aliases and merges grow without bound.
import {
  type AliasEvent,
  COLLECTION_STYLE,
  CORE_SCHEMA,
  EVENT_ID,
  type Event,
  getScalarValue,
  type MappingEvent,
  parseEvents,
  SCALAR_STYLE,
  type ScalarEvent,
  type SequenceEvent,
  YAMLException,
} from 'js-yaml';
import type { Problem } from '../bundleError.ts';
import { type Node, type Places, placesOf } from './places.ts';
import { problem } from './problem.ts';
import { readPlain } from './readPlain.ts';
import { createTextCursor, type TextCursor } from './textCursor.ts';
import { createYamlDocument, type Report, type YamlDocument } from './yamlDocument.ts';

export type Parsed = {
  /** The document as plain data; undefined when it could not be read at all, null when it is empty. */
  value: unknown;
  places: Places;
  problems: Problem[];
};

export type YamlLimits = { bytes: number; depth: number };

/** What hand-written files may take; OpenAPI documents get more. */
const usual: YamlLimits = { bytes: 1024 * 1024, depth: 20 };

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
  const report: Report = (offset, code, message) => {
    problems.push(problem(places.at(offset), code, message));
  };
  const refuse = (...[offset, code, message]: Parameters<Report>): Parsed => {
    report(offset, code, message);
    return { value: undefined, places, problems };
  };
  const events = eventsOf(text, limits);
  if ('code' in events) return refuse(events.offset, events.code, events.message);
  const cursor = createTextCursor(text);
  const document = createYamlDocument(root, report);
  let documents = 0;
  for (const event of events) {
    if (event.type === EVENT_ID.DOCUMENT) {
      documents++;
      if (documents === 2)
        return refuse(cursor.at, 'yaml-documents', 'a file holds one document, this one goes on after "---"');
      if (event.directives.length > 0)
        report(0, 'yaml-directive', 'directives (%YAML, %TAG) are not allowed');
    } else if (event.type === EVENT_ID.POP) endCollection(document, cursor);
    else {
      reportProperties(event, cursor, report);
      readNode(event, { text, cursor, document, report });
    }
  }
  return { value: document.value(), places, problems };
}

type Fault = { offset: number; code: string; message: string };

/** What js-yaml reads, or why it is not asked or cannot. */
function eventsOf(text: string, { bytes, depth }: YamlLimits): Event[] | Fault {
  if (Buffer.byteLength(text) > bytes)
    return { offset: 0, code: 'file-too-large', message: `the file is larger than ${bytes} bytes` };
  if (!text.isWellFormed()) {
    const offset = text.search(/\p{Surrogate}/u);
    return { offset, code: 'lone-surrogate', message: 'the text holds a lone surrogate' };
  }
  try {
    return parseEvents(text, { maxDepth: depth });
  } catch (error) {
    if (!(error instanceof YAMLException)) throw error;
    const offset = Math.min(error.mark?.position ?? 0, text.length);
    return error.reason.includes('maxDepth')
      ? { offset, code: 'yaml-depth', message: `nesting is deeper than ${depth}` }
      : { offset, code: 'yaml-syntax', message: `not valid YAML: ${error.reason}` };
  }
}

/** js-yaml does not say where a collection ends: in brackets behind the closing one, else where its last value does. */
function endCollection(document: YamlDocument, cursor: TextCursor): void {
  const closed = document.close();
  if (closed === null) return;
  const { kind, flow, node, value } = closed;
  if (flow) cursor.at = cursor.find(kind === 'sequence' ? /\]/ : /\}/) + 1;
  node.end = Math.max(node.end, cursor.at);
  document.accept(value, node);
}

type NodeEvent = AliasEvent | MappingEvent | ScalarEvent | SequenceEvent;

/** What YAML lets stand before a value, and is refused here. */
function reportProperties(event: NodeEvent, cursor: TextCursor, report: Report): void {
  const isAlias = event.type === EVENT_ID.ALIAS;
  if (event.anchorStart >= 0) {
    report(
      event.anchorStart - 1,
      isAlias ? 'yaml-alias' : 'yaml-anchor',
      `${isAlias ? 'aliases (*name)' : 'anchors (&name)'} are not allowed; write the value out`,
    );
    cursor.passTo(event.anchorEnd);
  }
  if (!isAlias && event.tagStart >= 0) {
    report(event.tagStart, 'yaml-tag', 'tags (!name) are not allowed');
    cursor.passTo(event.tagEnd);
  }
}

type Reading = { text: string; cursor: TextCursor; document: YamlDocument; report: Report };

function readNode(event: NodeEvent, reading: Reading): void {
  const { text, cursor, document } = reading;
  switch (event.type) {
    case EVENT_ID.ALIAS:
      document.accept(null, { start: event.anchorStart - 1, end: event.anchorEnd });
      return;
    case EVENT_ID.SCALAR:
      readScalar(event, reading);
      return;
    case EVENT_ID.SEQUENCE:
      cursor.passTo(event.start);
      document.open('sequence', event.start, isBracket(text.charAt(event.start)));
      return;
    case EVENT_ID.MAPPING:
      cursor.passTo(event.start);
      // A block mapping may begin with a key in brackets, `[a]: b`.
      document.open(
        'mapping',
        event.start,
        isBracket(text.charAt(event.start)) && event.style === COLLECTION_STYLE.FLOW,
      );
      return;
    default:
      event satisfies never;
  }
}

const isBracket = (character: string) => character === '[' || character === '{';

function readScalar(event: ScalarEvent, { text, cursor, document, report }: Reading): void {
  const expected = document.expects();
  if (event.valueStart < 0) {
    // An empty value stands right after its key's colon or its item's dash, where there is one.
    const at = cursor.find(/[^\s#]/);
    if (text.charAt(at) === (expected === 'item' ? '-' : ':')) cursor.at = at + 1;
    document.accept(expected === 'key' ? '' : null, { start: cursor.at, end: cursor.at });
    return;
  }
  const node = scalarNode(event, text, cursor);
  cursor.at = node.end;
  const source = getScalarValue(text, event);
  if (!source.isWellFormed()) report(node.start, 'lone-surrogate', 'the text holds a lone surrogate');
  const isTyped = event.style === SCALAR_STYLE.PLAIN && expected !== 'key';
  document.accept(isTyped ? CORE_SCHEMA.resolveImplicitScalarTag(source).value : source, node);
}

/** With its quotes, or from the `|` or `>` of a block to its last line that is not empty. */
function scalarNode({ style, valueStart, valueEnd }: ScalarEvent, text: string, cursor: TextCursor): Node {
  switch (style) {
    case SCALAR_STYLE.SINGLE_QUOTED:
    case SCALAR_STYLE.DOUBLE_QUOTED:
      return { start: valueStart - 1, end: valueEnd + 1 };
    case SCALAR_STYLE.LITERAL_BLOCK:
    case SCALAR_STYLE.FOLDED_BLOCK: {
      const start = cursor.find(/[|>]/);
      let end = valueEnd;
      while (end > start && /[\r\n]/.test(text.charAt(end - 1))) end--;
      return { start, end };
    }
    default:
      return { start: valueStart, end: valueEnd };
  }
}
