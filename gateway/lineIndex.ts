import { isUtf8 } from 'node:buffer';
import { randomBytes } from 'node:crypto';
import { LineFormError, lineFormAt } from './lineForm.ts';

/** data.json with its index, ready to be posted to another thread: the buffers are shared, nothing is copied. */
export type SharedLines = {
  data: SharedArrayBuffer;
  /** Two 32-bit offsets per line: its first byte and the byte after its value (before the comma or line feed). */
  spans: SharedArrayBuffer;
  /** Open addressing; a slot holds line number + 1, or 0. Its length is a power of two. */
  slots: SharedArrayBuffer;
  seed: number;
  /** Line numbers of each API's grants, and last those of the principals (`api` null); `end` is exclusive. */
  sections: readonly { api: string | null; first: number; end: number }[];
  /** The JSON text of the three parts that are read whole. */
  head: { apis: string; credentials: string; networks: string };
};

/** Finds lines of data.json. Each line comes as its bytes, `"KEY":VALUE`, a view that must not be written to. */
export type LineIndex = {
  readonly shared: SharedLines;
  /** How many lines of grants and principals there are. */
  readonly count: number;
  /** The line of `principal` under the grants of `api`, or null. */
  grants(api: string, principal: string): Uint8Array | null;
  /** The line of `subject` under principals, or null. */
  principal(subject: string): Uint8Array | null;
};

type Span = { start: number; end: number };

const quote = 0x22;

/**
 * Builds the index of data.json's bytes; made for the loader thread (about 0.5 s per million lines). Every byte is
 * checked to be JSON in the line form with keys in strictly ascending order, so what the index finds is what a JSON
 * parser would find: no entry can hide behind another on one line. Throws LineFormError.
 */
export function indexLines(data: Uint8Array): SharedLines {
  if (data.length > 0xffff_ffff) throw new LineFormError('is larger than 4 GiB', 0);
  if (!isUtf8(data)) throw new LineFormError('is not UTF-8', 0);
  let spans = new Uint32Array(Math.max(64, data.length >>> 6));
  let count = 0;
  const form = lineFormAt(data);
  const fail = (message: string): never => {
    throw new LineFormError(message, form.at());
  };
  const text = (start: number) =>
    Buffer.from(data.buffer, data.byteOffset + start, form.at() - start).toString();

  /** The object at the cursor as JSON text. */
  const object = () => {
    const start = form.at();
    if (form.peek() !== 0x7b) fail('expected an object');
    form.value();
    return text(start);
  };

  /** Lines up to the one that closes the section. */
  const entries = (opening: number) => {
    const first = count;
    let previous: Span | null = null;
    for (;;) {
      const start = form.at();
      // Names need no escapes; with them, one key could have two spellings and be two lines here and one to a parser.
      if (form.string()) fail('has a key with an escape');
      const key = { start, end: form.at() };
      if (previous && !ascending(data, previous, key)) fail('has keys out of order, or one twice');
      previous = key;
      form.expect(':');
      if (form.peek() !== opening) fail('has an entry of the wrong kind');
      form.value();
      if (count * 2 + 2 > spans.length) spans = grown(spans);
      spans[count * 2] = start;
      spans[count * 2 + 1] = form.at();
      count += 1;
      if (form.peek() !== 0x2c) break;
      form.expect(',\n');
    }
    form.expect('\n');
    return { first, end: count };
  };

  const sections: { api: string | null; first: number; end: number }[] = [];
  form.expect('{"apis":');
  const apis = object();
  form.expect(',\n"credentials":');
  const credentials = object();
  form.expect(',\n"grants":{');
  if (form.peek() === quote) {
    let previous: Span | null = null;
    for (;;) {
      const start = form.at();
      if (form.string()) fail('has an API name with an escape');
      const key = { start, end: form.at() };
      if (previous && !ascending(data, previous, key)) fail('has APIs out of order, or one twice');
      previous = key;
      const api = text(start + 1).slice(0, -1);
      form.expect(':{\n');
      sections.push({ api, ...entries(0x5b) });
      form.expect('}');
      if (form.peek() !== 0x2c) break;
      form.expect(',');
    }
  }
  form.expect('},');
  form.lineFeed();
  form.expect('"networks":');
  const networks = object();
  form.expect(',');
  form.lineFeed();
  form.expect('"principals":{');
  const bounds = form.lineFeed() && form.peek() === quote ? entries(0x7b) : { first: count, end: count };
  sections.push({ api: null, ...bounds });
  form.expect('}}');
  form.lineFeed();
  if (form.at() !== data.length) fail('has something after its end');

  return share(data, spans.subarray(0, count * 2), sections, { apis, credentials, networks });
}

/** Opens an index made by {@link indexLines}, in the same thread or another. */
export function openIndex(shared: SharedLines): LineIndex {
  const data = new Uint8Array(shared.data);
  const spans = new Uint32Array(shared.spans);
  const slots = new Uint32Array(shared.slots);
  const mask = slots.length - 1;
  const numbers = new Map(shared.sections.map((section, number) => [section.api, number]));

  const find = (api: string | null, name: string): Uint8Array | null => {
    const number = numbers.get(api);
    const section = number === undefined ? undefined : shared.sections[number];
    const key = keyBytes(name);
    if (number === undefined || section === undefined || key === null) return null;
    let slot = hashKey(key, number, shared.seed) & mask;
    for (;;) {
      const line = (slots[slot] ?? 0) - 1;
      if (line < 0) return null;
      const start = spans[line * 2] ?? 0;
      if (line >= section.first && line < section.end && sameKey(data, start, key))
        return data.subarray(start, spans[line * 2 + 1]);
      slot = (slot + 1) & mask;
    }
  };
  return {
    shared,
    count: spans.length / 2,
    grants: (api, principal) => find(api, principal),
    principal: (subject) => find(null, subject),
  };
}

/** The key with one character per UTF-8 byte; null for one that needs an escape or is no text: no line has it. */
function keyBytes(key: string): string | null {
  if (/^[\x20\x21\x23-\x5b\x5d-\x7e]*$/.test(key)) return key;
  // biome-ignore lint/suspicious/noControlCharactersInRegex: what JSON escapes
  if (/[\x00-\x1f"\\]/.test(key) || !key.isWellFormed()) return null;
  return Buffer.from(key).toString('latin1');
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

/** Whether the string at `second` is greater, by code point, than the one at `first`. Spans hold both quotes. */
function ascending(data: Uint8Array, first: Span, second: Span): boolean {
  const shorter = Math.min(first.end - first.start, second.end - second.start) - 1;
  for (let i = 1; i < shorter; i += 1) {
    const a = data[first.start + i] ?? 0;
    const b = data[second.start + i] ?? 0;
    if (a !== b) return a < b;
  }
  return first.end - first.start < second.end - second.start;
}

function grown(spans: Uint32Array): Uint32Array<ArrayBuffer> {
  const next = new Uint32Array(spans.length * 2);
  next.set(spans);
  return next;
}

function share(
  data: Uint8Array,
  spans: Uint32Array,
  sections: SharedLines['sections'],
  head: SharedLines['head'],
): SharedLines {
  const shared = new SharedArrayBuffer(data.length);
  new Uint8Array(shared).set(data);
  const sharedSpans = new SharedArrayBuffer(spans.byteLength);
  new Uint32Array(sharedSpans).set(spans);
  const size = 2 ** Math.ceil(Math.log2(Math.max(2, spans.length)));
  const slots = new Uint32Array(new SharedArrayBuffer(size * 4));
  // A seed of its own for each index: whoever writes grants cannot aim at one chain.
  const seed = randomBytes(4).readInt32LE();
  sections.forEach(({ first, end }, section) => {
    for (let line = first; line < end; line += 1) {
      let slot = hashLine(data, spans[line * 2] ?? 0, section, seed) & (size - 1);
      while (slots[slot] !== 0) slot = (slot + 1) & (size - 1);
      slots[slot] = line + 1;
    }
  });
  return { data: shared, spans: sharedSpans, slots: slots.buffer as SharedArrayBuffer, seed, sections, head };
}
