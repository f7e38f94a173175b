import { createHash, randomBytes } from 'node:crypto';
import { nothing, type Span } from '../../bundle/data/dataSections.ts';
import { type DataLines, scanLines } from '../../bundle/data/scanLines.ts';
import { canonicalJson } from '../../bundle/format/canonicalJson.ts';

/** data.json with its index, ready to be posted to another thread: the buffers are shared, nothing is copied. */
export type SharedLines = Omit<DataLines, 'grants'> & {
  data: SharedArrayBuffer;
  /** SHA-256 of the data documents; empty where there are none. */
  documentsDigest: string;
  /** Open addressing; a slot holds line number + 1, or 0. Its length is a power of two. */
  slots: SharedArrayBuffer;
  seed: number;
};

/** Finds lines of data.json. Each line comes as its bytes, `"KEY":VALUE`, a view that must not be written to. */
export type LineIndex = {
  readonly head: SharedLines['head'];
  readonly documents: Documents;
  /** How many lines of grants and principals there are. */
  readonly count: number;
  /** The line of `principal` under the grants of `api`, or null. */
  grants(api: string, principal: string): Uint8Array | null;
  /** The line of `subject` under principals, or null. */
  principal(subject: string): Uint8Array | null;
  /** The line of `key` in a data document, or null. */
  entry(document: string, key: string): Uint8Array | null;
  /** Its lines one after another; null where they are kept only to be compared. */
  readonly walk: LineWalk | null;
};

/** What is known of data documents beside their lines: plain values, which lead to nothing else. */
export type Documents = {
  /** Tells those of one revision from those of another; empty where there are none. */
  readonly digest: string;
  /** The JSON texts of small ones. */
  readonly wholes: ReadonlyMap<string, string>;
  /** Names of the others. */
  readonly large: ReadonlySet<string>;
};

/** The lines of an index by their numbers; in each section they stand in the order of their keys. */
export type LineWalk = {
  /** The numbers of an API's lines, or of the principals' (null): from the first, to before the end. */
  section(api: string | null): { first: number; end: number };
  /** The number of the line of `subject` under principals, or -1. */
  principal(subject: string): number;
  line(number: number): Uint8Array;
};

const [quote, backslash] = [0x22, 0x5c];

/**
 * Builds the index of data.json; made for the loader thread. `lines` is what {@link scanLines} made of it. Bytes that
 * are in shared memory already stay where they are. Throws BundleError `data-malformed`.
 */
export function indexLines(data: Buffer, lines: DataLines = scanLines(data)): SharedLines {
  const { spans, sections, documents, head } = lines;
  const places = new Uint32Array(spans);
  const size = 2 ** Math.ceil(Math.log2(Math.max(2, places.length)));
  const slots = new Uint32Array(new SharedArrayBuffer(size * 4));
  // A seed of its own for each index: whoever writes grants cannot aim at one chain.
  const seed = randomBytes(4).readInt32LE();
  for (const [section, { first, end }] of [...sections, ...documents].entries()) {
    for (let line = first; line < end; line += 1) {
      let slot = hashLine(data, places[line * 2] ?? 0, section, seed) & (size - 1);
      while (slots[slot] !== 0) slot = (slot + 1) & (size - 1);
      slots[slot] = line + 1;
    }
  }
  const documentsDigest = digestOf(data, lines);
  const table = slots.buffer as SharedArrayBuffer;
  return { data: shared(data), spans, slots: table, seed, sections, documents, documentsDigest, head };
}

function digestOf(data: Buffer, { spans, documents }: DataLines): string {
  if (documents.length === 0) return '';
  const hash = createHash('sha256');
  for (const one of documents) {
    const { start, end } = spanOf(new Uint32Array(spans), one);
    hash.update(`${JSON.stringify(one.name)} ${end - start}:`).update(data.subarray(start, end));
  }
  return hash.digest('hex');
}

function shared(data: Buffer): SharedArrayBuffer {
  const { buffer, length } = data;
  if (buffer instanceof SharedArrayBuffer && length === buffer.byteLength) return buffer;
  const copy = new SharedArrayBuffer(length);
  data.copy(Buffer.from(copy));
  return copy;
}

/** Opens an index made by {@link indexLines}, in the same thread or another. */
export function openIndex(shared: SharedLines): LineIndex {
  const data = new Uint8Array(shared.data);
  const spans = new Uint32Array(shared.spans);
  const slots = new Uint32Array(shared.slots);
  const mask = slots.length - 1;
  const sections: readonly { first: number; end: number }[] = [...shared.sections, ...shared.documents];
  const numbers = new Map(shared.sections.map((section, number) => [section.api, number]));
  const documents = new Map(shared.documents.map(({ name }, at) => [name, shared.sections.length + at]));

  const sectionAt = (number: number | undefined) => sections[number ?? -1] ?? { first: 0, end: 0 };
  const bytes = (line: number) => data.subarray(spans[line * 2] ?? 0, spans[line * 2 + 1]);
  const find = (number: number | undefined, name: string): number => {
    const key = keyBytes(name);
    if (number === undefined || key === null) return -1;
    const { first, end } = sectionAt(number);
    let slot = hashKey(key, number, shared.seed) & mask;
    for (;;) {
      const line = (slots[slot] ?? 0) - 1;
      if (line < 0) return -1;
      if (line >= first && line < end && sameKey(data, spans[line * 2] ?? 0, key)) return line;
      slot = (slot + 1) & mask;
    }
  };
  const found = (line: number) => (line < 0 ? null : bytes(line));
  return {
    head: shared.head,
    documents: {
      digest: shared.documentsDigest,
      wholes: new Map(shared.documents.flatMap(({ name, whole }) => (whole === null ? [] : [[name, whole]]))),
      large: new Set(shared.documents.flatMap(({ name, whole }) => (whole === null ? [name] : []))),
    },
    count: spans.length / 2,
    grants: (api, principal) => found(find(numbers.get(api), principal)),
    principal: (subject) => found(find(numbers.get(null), subject)),
    entry: (document, key) => found(find(documents.get(document), key)),
    walk: {
      section: (api) => sectionAt(numbers.get(api)),
      line: bytes,
      principal: (subject) => find(numbers.get(null), subject),
    },
  };
}

/** The key as it stands between its quotes, with one character per UTF-8 byte; null for what is no text: no line has it. */
function keyBytes(key: string): string | null {
  if (/^[\x20\x21\x23-\x5b\x5d-\x7e]*$/.test(key)) return key;
  return key.isWellFormed() ? Buffer.from(canonicalJson(key).slice(1, -1)).toString('latin1') : null;
}

function hashKey(key: string, section: number, seed: number): number {
  let hash = seed ^ Math.imul(section + 1, 0x9e3779b1);
  for (let i = 0; i < key.length; i += 1) hash = Math.imul(hash ^ key.charCodeAt(i), 0x01000193);
  return mix(hash);
}

/** {@link hashKey} of the key whose opening quote stands at `start`. */
function hashLine(data: Uint8Array, start: number, section: number, seed: number): number {
  let hash = seed ^ Math.imul(section + 1, 0x9e3779b1);
  for (let i = start + 1; ; i += 1) {
    const byte = data[i] ?? quote;
    if (byte === quote) return mix(hash);
    hash = Math.imul(hash ^ byte, 0x01000193);
    if (byte !== backslash) continue;
    // What follows is part of the escape, also a quote.
    i += 1;
    hash = Math.imul(hash ^ (data[i] ?? quote), 0x01000193);
  }
}

function mix(hash: number): number {
  const once = Math.imul(hash ^ (hash >>> 16), 0x85ebca6b);
  const twice = Math.imul(once ^ (once >>> 13), 0xc2b2ae35);
  return (twice ^ (twice >>> 16)) >>> 0;
}

/** Hashes collide; keys are equal only when every byte is, up to the closing quote. */
function sameKey(data: Uint8Array, start: number, key: string): boolean {
  const from = start + 1;
  for (let i = 0; i < key.length; i += 1) if (data[from + i] !== key.charCodeAt(i)) return false;
  return data[from + key.length] === quote && data[from + key.length + 1] === 0x3a;
}

/** The key of a line. */
export function keyOf(line: Uint8Array): string {
  const text = Buffer.from(line.buffer, line.byteOffset, closingQuote(line) + 1).toString('utf8');
  return String(JSON.parse(text));
}

/** The value of a line, as JSON text: its key is another one in each, and V8 would keep a shape for every object with one. */
export function valueText(line: Uint8Array): string {
  // Behind the quote and the colon.
  return Buffer.from(line.buffer, line.byteOffset, line.length).toString('utf8', closingQuote(line) + 2);
}

function closingQuote(line: Uint8Array): number {
  let at = 1;
  while (at < line.length && line[at] !== quote) at += line[at] === backslash ? 2 : 1;
  return at;
}

/** The bytes that each section's lines take: an API's grants, or the principals (null). */
export function sectionSpans({
  spans,
  sections,
}: Pick<SharedLines, 'spans' | 'sections'>): ReadonlyMap<string | null, Span> {
  const places = new Uint32Array(spans);
  return new Map(sections.map((section) => [section.api, spanOf(places, section)]));
}

/** The bytes that each document's entries take. */
export function documentSpans({
  spans,
  documents,
}: Pick<SharedLines, 'spans' | 'documents'>): ReadonlyMap<string, Span> {
  const places = new Uint32Array(spans);
  return new Map(documents.map((one) => [one.name, spanOf(places, one)]));
}

const spanOf = (places: Uint32Array, { first, end }: { first: number; end: number }): Span =>
  first === end ? nothing : { start: places[first * 2] ?? 0, end: places[end * 2 - 1] ?? 0 };
