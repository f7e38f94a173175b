import { BundleError } from '../bundleError.ts';
import { documentBytes } from './documentLimits.ts';

/** Bytes `start` to `end` (exclusive) of data.json. */
export type Span = { readonly start: number; readonly end: number };

/** Where things stand in data.json; each span of lines begins at a key and ends after the last value. */
export type DataSections = {
  /** The JSON texts of what is read whole. */
  head: { apis: string; credentials: string; networks: string };
  /** API → the lines of its grants. */
  grants: ReadonlyMap<string, Span>;
  /** Data document → the lines of its entries. */
  documents: ReadonlyMap<string, Span>;
  principals: Span;
};

const lineFeed = 0x0a;
const [comma, closeObject, letterD] = [0x2c, 0x7d, 0x64];
export const nothing: Span = { start: 0, end: 0 };

/**
 * Finds the sections of data.json by searching for the line feeds that only stand there: no line is looked at, so it
 * takes as long as the search. Meant for what was compiled here or has been verified. Throws BundleError
 * `data-malformed` where the form is another.
 */
export function dataSections(data: Buffer): DataSections {
  let at = 0;
  const fail = (): never => {
    throw new BundleError('data-malformed', `data.json is not in line form at byte ${at}`);
  };
  const step = (text: string) => {
    if (data.toString('latin1', at, at + text.length) !== text) fail();
    at += text.length;
  };
  /** The text from here to the next occurrence of `mark`, which is stepped over. */
  const upTo = (mark: string): string => {
    const found = data.indexOf(mark, at);
    if (found < 0) fail();
    const text = data.toString('utf8', at, found);
    at = found + mark.length;
    return text;
  };
  const lines = (): Span => {
    const end = data.indexOf('\n}', at);
    if (end < 0) fail();
    const span = { start: at, end };
    at = end + 2;
    return span;
  };

  /** Sections by their names, up to the brace that closes them. */
  const named = (): Map<string, Span> => {
    const found = new Map<string, Span>();
    while (data[at] === 0x22) {
      at += 1;
      const name = upTo('":{');
      if (data[at] === closeObject) {
        at += 1;
        found.set(name, nothing);
      } else {
        step('\n');
        found.set(name, lines());
      }
      if (data[at] === comma) at += 1;
    }
    return found;
  };

  step('{"apis":');
  const apis = upTo(',\n"credentials":');
  const credentials = upTo(',\n');
  let documents = new Map<string, Span>();
  if (data[at + 1] === letterD) {
    step('"documents":{');
    documents = named();
    step('},\n');
  }
  step('"grants":{');
  const grants = named();
  step('},"networks":');
  const networks = upTo(',"principals":{');
  let principals = nothing;
  if (data[at] === lineFeed) {
    at += 1;
    principals = lines();
  }
  return { head: { apis, credentials, networks }, grants, documents, principals };
}

/** Data document → how many bytes it has. */
export const documentSizes = (data: Buffer): ReadonlyMap<string, number> =>
  new Map(
    [...dataSections(data).documents].map(([name, { start, end }]) => [name, documentBytes(end - start)]),
  );

/** The end of the line that begins at `at`: after its value, before the comma or line feed. */
export function lineEnd(data: Buffer, at: number, { end }: Span): number {
  const found = data.indexOf(lineFeed, at);
  return found < 0 || found >= end ? end : found - 1;
}

/** Where the line after the one that ends at `end` begins. */
export const nextLine = (end: number): number => end + 2;

const [quote, backslash] = [0x22, 0x5c];

/** Where the key of the line that begins at `at` ends: at its closing quote. */
function keyEnd(data: Buffer, at: number): number {
  let end = data.indexOf(quote, at + 1);
  // A quote behind an odd number of backslashes belongs to the name.
  for (;;) {
    let before = end;
    while (data[before - 1] === backslash) before--;
    if (end < 0 || (end - before) % 2 === 0) return end;
    end = data.indexOf(quote, end + 1);
  }
}

/** The name that the line at `at` is found by. */
export function keyAt(data: Buffer, at: number): string {
  const end = keyEnd(data, at);
  const name = data.toString('utf8', at + 1, end);
  return name.includes('\\') ? (JSON.parse(`"${name}"`) as string) : name;
}

/** Where the value of the line at `at` begins. */
export const valueStart = (data: Buffer, at: number): number => keyEnd(data, at) + 2;

/** The value of a line, parsed. */
export function valueAt<T>(data: Buffer, { start, end }: Span): T {
  return JSON.parse(data.toString('utf8', valueStart(data, start), end)) as T;
}

/** Calls back with every line's key and span. */
export function eachLine(data: Buffer, section: Span, visit: (key: string, line: Span) => void): void {
  for (let at = section.start; at < section.end; ) {
    const end = lineEnd(data, at, section);
    visit(keyAt(data, at), { start: at, end });
    at = nextLine(end);
  }
}
