// Steps over canonical JSON without reading it: from the byte where something begins to the one behind it. Free
// functions that keep nothing: they run once over every byte of a bundle, and closures made that half as fast.
import { BundleError } from '../bundleError.ts';
import { compareCodePoints, escapeLength } from '../format/canonicalJson.ts';

const mostDepth = 16;
const [quote, comma, colon, zero, nine, backslash, minus] = [0x22, 0x2c, 0x3a, 0x30, 0x39, 0x5c, 0x2d];
const [openList, closeList, openObject, closeObject] = [0x5b, 0x5d, 0x7b, 0x7d];

/** Throws BundleError `data-malformed`. */
export function malformed(at: number, message: string): never {
  throw new BundleError('data-malformed', `data.json is not in line form at byte ${at}: ${message}`);
}

/** Steps over exactly this ASCII text. */
export function skipText(data: Buffer, at: number, text: string): number {
  for (let index = 0; index < text.length; index++)
    if (data[at + index] !== text.charCodeAt(index))
      malformed(at + index, `expected ${JSON.stringify(text)}`);
  return at + text.length;
}

/** Steps over a string; the result is negative when it holds an escape. */
export function skipString(data: Buffer, at: number): number {
  if (data[at] !== quote) malformed(at, 'expected a string');
  const size = data.length;
  let escaped = false;
  for (let i = at + 1; i < size; i++) {
    const byte = data[i] ?? 0;
    if (byte === quote) return escaped ? -(i + 1) : i + 1;
    if (byte >= 0x20 && byte !== backslash && byte !== 0xe2) continue;
    if (byte === backslash) {
      const length = escapeLength(data, i);
      if (length === 0) malformed(i, 'an escape that is none, or where none is needed');
      i += length - 1;
      escaped = true;
    } else if (byte < 0x20) malformed(i, 'a string does not end on its line');
    else if (data[i + 1] === 0x80 && ((data[i + 2] ?? 0) & 0xfe) === 0xa8)
      malformed(i, 'a line separator that is not escaped');
  }
  return malformed(size, 'a string does not end');
}

/**
 * Whether the key at `first` sorts before the one at `second`. Each end is what {@link skipString} said: negative where
 * an escape is in it, for then the bytes sort otherwise than what they stand for.
 */
export function isBefore(data: Buffer, first: number, firstEnd: number, second: number, secondEnd: number) {
  return firstEnd < 0 || secondEnd < 0
    ? isBeforeDecoded(data, first, Math.abs(firstEnd), second, Math.abs(secondEnd))
    : isBeforePlain(data, first, firstEnd, second, secondEnd);
}

function isBeforePlain(
  data: Buffer,
  first: number,
  firstEnd: number,
  second: number,
  secondEnd: number,
): boolean {
  const shorter = Math.min(firstEnd - first, secondEnd - second) - 1;
  for (let i = 1; i < shorter; i++) {
    const a = data[first + i] ?? 0;
    const b = data[second + i] ?? 0;
    if (a !== b) return a < b;
  }
  return firstEnd - first < secondEnd - second;
}

function isBeforeDecoded(data: Buffer, first: number, firstEnd: number, second: number, secondEnd: number) {
  const text = (start: number, end: number): string => JSON.parse(data.toString('utf8', start, end));
  return compareCodePoints(text(first, firstEnd), text(second, secondEnd)) < 0;
}

function skipNumber(data: Buffer, start: number): number {
  const first = data[start] === minus ? start + 1 : start;
  let at = first;
  while ((data[at] ?? 0) >= zero && (data[at] ?? 0) <= nine) at++;
  // No number but 0 begins with a 0, and none is longer than a number can hold exactly.
  if (at === first || at - first > 15 || (data[first] === zero && at - start > 1))
    malformed(start, 'expected a value');
  return at;
}

function skipObject(data: Buffer, start: number, depth: number): number {
  let at = start + 1;
  if (data[at] === closeObject) return at + 1;
  let [previous, previousEnd] = [0, 0];
  for (;;) {
    const key = at;
    const end = skipString(data, key);
    at = Math.abs(end);
    if (previousEnd !== 0 && !isBefore(data, previous, previousEnd, key, end))
      malformed(key, 'keys out of order, or one twice');
    previous = key;
    previousEnd = end;
    if (data[at] !== colon) malformed(at, 'expected ":"');
    at = skipValue(data, at + 1, depth + 1);
    if (data[at] === closeObject) return at + 1;
    if (data[at] !== comma) malformed(at, 'expected "," or "}"');
    at++;
  }
}

/** Steps over any value. */
export function skipValue(data: Buffer, at: number, depth = 0): number {
  if (depth > mostDepth) malformed(at, 'nested too deeply');
  switch (data[at]) {
    case quote:
      return Math.abs(skipString(data, at));
    case openObject:
      return skipObject(data, at, depth);
    case openList: {
      let end = at + 1;
      if (data[end] === closeList) return end + 1;
      for (;;) {
        end = skipValue(data, end, depth + 1);
        if (data[end] === closeList) return end + 1;
        if (data[end] !== comma) malformed(end, 'expected "," or "]"');
        end++;
      }
    }
    case 0x74:
      return skipText(data, at, 'true');
    case 0x66:
      return skipText(data, at, 'false');
    default:
      return skipNumber(data, at);
  }
}

/** Steps over a list; how many items it holds, and where it ends. */
export function skipItems(data: Buffer, start: number): [items: number, end: number] {
  let at = start + 1;
  if (data[at] === closeList) return [0, at + 1];
  for (let items = 1; ; items++) {
    at = skipValue(data, at, 1);
    if (data[at] === closeList) return [items, at + 1];
    if (data[at] !== comma) malformed(at, 'expected "," or "]"');
    at++;
  }
}
