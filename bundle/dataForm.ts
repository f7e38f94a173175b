import { isUtf8 } from 'node:buffer';
import { BundleError } from './bundleError.ts';
import { compareCodePoints } from './canonicalJson.ts';

const mostDepth = 16;
const [quote, backslash, comma] = [0x22, 0x5c, 0x2c];
type Span = { start: number; end: number };
const lowerHex = /^[0-9a-f]$/;

/**
 * Checks that data.json is in line form: canonical JSON (compact, keys strictly ascending, one spelling per string and
 * number) with line feeds exactly where `compile` puts them. Then its bytes without line feeds are what OPA signs, no
 * key is there twice, and no entry hides on the line of another. Answers the number of grants. Throws BundleError
 * `data-malformed` naming the byte.
 */
export function checkDataForm(data: Buffer): number {
  let at = 0;
  const fail = (message: string): never => {
    throw new BundleError('data-malformed', `data.json is not in line form at byte ${at}: ${message}`);
  };
  if (!isUtf8(data)) fail('it is not UTF-8');

  const expect = (text: string) => {
    for (let index = 0; index < text.length; index++)
      if (data[at + index] !== text.charCodeAt(index)) fail(`expected ${JSON.stringify(text)}`);
    at += text.length;
  };

  /** The one spelling of a character that cannot stand for itself. */
  const escapeSequence = () => {
    const letter = String.fromCharCode(data[at + 1] ?? 0);
    if ('"\\bfnrt'.includes(letter)) {
      at += 2;
      return;
    }
    const digits = data.toString('latin1', at + 2, at + 6);
    const code = Number.parseInt(digits, 16);
    const plain = code < 0x20 && ![8, 9, 10, 12, 13].includes(code);
    if (letter !== 'u' || ![...digits].every((digit) => lowerHex.test(digit)) || digits.length < 4)
      fail('unknown escape');
    if (!plain && code !== 0x2028 && code !== 0x2029) fail('an escape where none is needed');
    at += 6;
  };

  const string = () => {
    if (data[at] !== quote) fail('expected a string');
    at++;
    for (;;) {
      const byte = data[at];
      if (byte === quote) break;
      if (byte === undefined || byte < 0x20) fail('a string does not end on its line');
      else if (byte === backslash) escapeSequence();
      else if (byte === 0xe2 && data[at + 1] === 0x80 && ((data[at + 2] ?? 0) & 0xfe) === 0xa8)
        fail('a line separator that is not escaped');
      else at++;
    }
    at++;
  };

  /** Whether the key at `first` sorts before the one at `second`; spans hold both quotes. */
  const before = (first: Span, second: Span): boolean => {
    const escaped = [first, second].some(({ start, end }) => data.subarray(start, end).includes(backslash));
    if (!escaped)
      return data.compare(data, second.start + 1, second.end - 1, first.start + 1, first.end - 1) < 0;
    const text = ({ start, end }: Span): string => JSON.parse(data.toString('utf8', start, end));
    return compareCodePoints(text(first), text(second)) < 0;
  };

  const key = (previous: Span | null): Span => {
    const here = { start: at, end: at };
    string();
    here.end = at;
    if (previous && !before(previous, here)) fail('keys out of order, or one twice');
    expect(':');
    return here;
  };

  const number = () => {
    const start = at;
    if (data[at] === 0x2d) at++;
    while ((data[at] ?? 0) >= 0x30 && (data[at] ?? 0) <= 0x39) at++;
    const text = data.toString('latin1', start, at);
    if (!/^(?:0|-?[1-9][0-9]{0,14})$/.test(text)) fail('expected a value');
  };

  /** Steps over a value; answers how many items it holds. */
  const value = (depth = 0): number => {
    if (depth > mostDepth) fail('nested too deeply');
    let count = 0;
    switch (data[at]) {
      case quote:
        string();
        return 0;
      case 0x7b: {
        at++;
        let previous: Span | null = null;
        if (data[at] !== 0x7d)
          for (;;) {
            previous = key(previous);
            value(depth + 1);
            count++;
            if (data[at] !== comma) break;
            at++;
          }
        expect('}');
        return count;
      }
      case 0x5b:
        at++;
        if (data[at] !== 0x5d)
          for (;;) {
            value(depth + 1);
            count++;
            if (data[at] !== comma) break;
            at++;
          }
        expect(']');
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

  const object = () => {
    if (data[at] !== 0x7b) fail('expected an object');
    value();
  };

  /** Entries, one per line; answers how many items their values hold. */
  const lines = (opening: '[' | '{'): number => {
    expect('{\n');
    let previous: Span | null = null;
    let count = 0;
    for (;;) {
      previous = key(previous);
      // An index finds a line by its key's bytes, so a key may have one spelling only.
      if (data.subarray(previous.start, at).includes(backslash)) fail('an entry whose key has an escape');
      if (data[at] !== opening.charCodeAt(0)) fail(`expected "${opening}"`);
      const items = value();
      if (opening === '[' && items === 0) fail('an entry without grants');
      count += items;
      if (data[at] !== comma) break;
      expect(',\n');
    }
    expect('\n}');
    return count;
  };

  let grants = 0;
  expect('{"apis":');
  object();
  expect(',\n"credentials":');
  object();
  expect(',\n"grants":{');
  if (data[at] !== 0x7d) {
    let previous: Span | null = null;
    for (;;) {
      previous = key(previous);
      grants += lines('[');
      if (data[at] !== comma) break;
      at++;
    }
  }
  expect('},"networks":');
  object();
  expect(',"principals":');
  if (data[at + 1] === 0x7d) expect('{}');
  else lines('{');
  expect('}');
  if (at !== data.length) fail('something after its end');
  return grants;
}
