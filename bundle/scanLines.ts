import { isUtf8 } from 'node:buffer';
import { BundleError } from './bundleError.ts';
import { compareCodePoints } from './canonicalJson.ts';

/** What stands where in data.json. */
export type DataLines = {
  /** How many grants there are. */
  grants: number;
  /** Two 32-bit offsets per line: its first byte and the byte after its value (before the comma or line feed). */
  spans: SharedArrayBuffer;
  /** Line numbers of each API's grants, and last those of the principals (`api` null); `end` is exclusive. */
  sections: readonly { api: string | null; first: number; end: number }[];
  /** The JSON text of the three parts that are read whole. */
  head: { apis: string; credentials: string; networks: string };
};

const mostDepth = 16;
const [quote, comma, colon, zero, nine, backslash] = [0x22, 0x2c, 0x3a, 0x30, 0x39, 0x5c];
const [openList, closeList, openObject, closeObject] = [0x5b, 0x5d, 0x7b, 0x7d];
const lowerHex = /^[0-9a-f]{4}$/;

/**
 * Takes data.json apart into its lines, and checks on the way that it is in line form: canonical JSON (compact, keys
 * strictly ascending, one spelling per string and number) with line feeds exactly where `compile` puts them. Then its
 * bytes without line feeds are what OPA signs, no key is there twice, no entry hides on the line of another, and what
 * is found by its line is what a JSON parser would find. One pass; about 0.4 s for a million grants. Throws BundleError
 * `data-malformed` naming the byte.
 */
export function scanLines(data: Buffer): DataLines {
  const size = data.length;
  let at = 0;
  const fail = (message: string): never => {
    throw new BundleError('data-malformed', `data.json is not in line form at byte ${at}: ${message}`);
  };
  if (size > 0xffff_ffff) fail('it is larger than 4 GiB');
  if (!isUtf8(data)) fail('it is not UTF-8');

  const expect = (text: string) => {
    for (let index = 0; index < text.length; index++)
      if (data[at + index] !== text.charCodeAt(index)) fail(`expected ${JSON.stringify(text)}`);
    at += text.length;
  };
  const expectByte = (byte: number) => {
    if (data[at] !== byte) fail(`expected ${JSON.stringify(String.fromCharCode(byte))}`);
    at++;
  };

  /** How long the one spelling of a character that cannot stand for itself is, its backslash at `start`. */
  const escapeLength = (start: number): number => {
    at = start;
    const letter = String.fromCharCode(data[start + 1] ?? 0);
    if ('"\\bfnrt'.includes(letter)) return 2;
    const digits = data.toString('latin1', start + 2, start + 6);
    if (letter !== 'u' || !lowerHex.test(digits)) fail('unknown escape');
    const code = Number.parseInt(digits, 16);
    const plain = code < 0x20 && ![8, 9, 10, 12, 13].includes(code);
    if (!plain && code !== 0x2028 && code !== 0x2029) fail('an escape where none is needed');
    return 6;
  };

  /** Steps over a string; says whether it holds an escape. */
  const string = (): boolean => {
    if (data[at] !== quote) fail('expected a string');
    let escaped = false;
    for (let i = at + 1; i < size; i++) {
      const byte = data[i] ?? 0;
      if (byte === quote) {
        at = i + 1;
        return escaped;
      }
      if (byte >= 0x20 && byte !== backslash && byte !== 0xe2) continue;
      if (byte === backslash) {
        const start = at;
        i += escapeLength(i) - 1;
        at = start;
        escaped = true;
      } else if (byte < 0x20) {
        at = i;
        fail('a string does not end on its line');
      } else if (data[i + 1] === 0x80 && ((data[i + 2] ?? 0) & 0xfe) === 0xa8) {
        at = i;
        fail('a line separator that is not escaped');
      }
    }
    at = size;
    return fail('a string does not end');
  };

  /** Whether the key at `first` sorts before the one at `second`; offsets of quotes and behind quotes. */
  const before = (
    first: number,
    firstEnd: number,
    second: number,
    secondEnd: number,
    escaped: boolean,
  ): boolean => {
    if (escaped) {
      const text = (start: number, end: number): string => JSON.parse(data.toString('utf8', start, end));
      return compareCodePoints(text(first, firstEnd), text(second, secondEnd)) < 0;
    }
    const shorter = Math.min(firstEnd - first, secondEnd - second) - 1;
    for (let i = 1; i < shorter; i++) {
      const a = data[first + i] ?? 0;
      const b = data[second + i] ?? 0;
      if (a !== b) return a < b;
    }
    return firstEnd - first < secondEnd - second;
  };

  const number = () => {
    const start = at;
    if (data[at] === 0x2d) at++;
    const first = data[at] ?? 0;
    while ((data[at] ?? 0) >= zero && (data[at] ?? 0) <= nine) at++;
    const digits = at - start - (data[start] === 0x2d ? 1 : 0);
    // No number but 0 begins with a 0, and none is longer than a number can hold exactly.
    if (digits === 0 || digits > 15 || (first === zero && at - start > 1)) {
      at = start;
      fail('expected a value');
    }
  };

  /** Steps over the members of an object whose brace is behind; answers how many there are. */
  const members = (depth: number): number => {
    let [previous, previousEnd, previousEscaped] = [0, 0, false];
    for (let count = 1; ; count++) {
      const start = at;
      const escaped = string();
      const end = at;
      if (count > 1 && !before(previous, previousEnd, start, end, escaped || previousEscaped))
        fail('keys out of order, or one twice');
      previous = start;
      previousEnd = end;
      previousEscaped = escaped;
      expectByte(colon);
      value(depth);
      if (data[at] !== comma) return count;
      at++;
    }
  };

  /** Steps over a value; answers how many items it holds. */
  const value = (depth: number): number => {
    if (depth > mostDepth) fail('nested too deeply');
    let count = 0;
    switch (data[at]) {
      case quote:
        string();
        return 0;
      case openObject:
        at++;
        if (data[at] !== closeObject) count = members(depth + 1);
        expectByte(closeObject);
        return count;
      case openList:
        at++;
        if (data[at] !== closeList)
          for (;;) {
            value(depth + 1);
            count++;
            if (data[at] !== comma) break;
            at++;
          }
        expectByte(closeList);
        return count;
      case 0x74:
        expect('true');
        return 0;
      case 0x66:
        expect('false');
        return 0;
      default:
        number();
        return 0;
    }
  };

  /** The object at the cursor, as text. */
  const object = (): string => {
    const start = at;
    if (data[at] !== openObject) fail('expected an object');
    value(0);
    return data.toString('utf8', start, at);
  };

  let spans = new Uint32Array(Math.max(64, size >>> 6));
  let lines = 0;
  let grants = 0;

  /** Entries, one per line, up to the brace that closes the section. */
  const entries = (opening: number) => {
    const first = lines;
    let [previous, previousEnd] = [0, 0];
    expect('{\n');
    for (;;) {
      const start = at;
      // An index finds a line by its key's bytes, so a key may have one spelling only.
      if (string()) fail('an entry whose key has an escape');
      if (lines > first && !before(previous, previousEnd, start, at, false))
        fail('entries out of order, or one twice');
      previous = start;
      previousEnd = at;
      expectByte(colon);
      if (data[at] !== opening) fail(`expected "${String.fromCharCode(opening)}"`);
      const items = value(0);
      if (opening === openList) {
        if (items === 0) fail('an entry without grants');
        grants += items;
      }
      if (lines * 2 + 2 > spans.length) {
        const grown = new Uint32Array(spans.length * 2);
        grown.set(spans);
        spans = grown;
      }
      spans[lines * 2] = start;
      spans[lines * 2 + 1] = at;
      lines++;
      if (data[at] !== comma) break;
      expect(',\n');
    }
    expect('\n}');
    return { first, end: lines };
  };

  const sections: { api: string | null; first: number; end: number }[] = [];
  expect('{"apis":');
  const apis = object();
  expect(',\n"credentials":');
  const credentials = object();
  expect(',\n"grants":{');
  if (data[at] !== closeObject) {
    let [previous, previousEnd] = [0, 0];
    for (;;) {
      const start = at;
      if (string()) fail('an API whose name has an escape');
      const end = at;
      if (sections.length > 0 && !before(previous, previousEnd, start, end, false))
        fail('APIs out of order, or one twice');
      previous = start;
      previousEnd = end;
      expectByte(colon);
      sections.push({ api: data.toString('utf8', start + 1, end - 1), ...entries(openList) });
      if (data[at] !== comma) break;
      at++;
    }
  }
  expect('},"networks":');
  const networks = object();
  expect(',"principals":');
  if (data[at + 1] === closeObject) {
    expect('{}');
    sections.push({ api: null, first: lines, end: lines });
  } else sections.push({ api: null, ...entries(openObject) });
  expect('}');
  if (at !== size) fail('something after its end');

  const shared = new SharedArrayBuffer(lines * 8);
  new Uint32Array(shared).set(spans.subarray(0, lines * 2));
  return { grants, spans: shared, sections, head: { apis, credentials, networks } };
}
