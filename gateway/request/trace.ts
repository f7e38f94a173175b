/** What a request said of the trace it belongs to (W3C Trace Context). */
export type Trace = {
  /** 32 hexadecimal digits; null when they could not be read. */
  id: string | null;
  /** Names, in lower case, of the trace headers that were malformed and must not reach the upstream. */
  malformed: ReadonlySet<string>;
};

const wellFormed = /^(?!ff)[0-9a-f]{2}-(?!0{32})([0-9a-f]{32})-(?!0{16})[0-9a-f]{16}-[0-9a-f]{2}(-.*)?$/;
const member =
  /^(?:[a-z][a-z0-9_*/-]{0,255}|[a-z0-9][a-z0-9_*/-]{0,240}@[a-z][a-z0-9_*/-]{0,13})=(?=[\x20-\x7e]{1,256}$)[\x21-\x2b\x2d-\x3c\x3e-\x7e ]*[\x21-\x2b\x2d-\x3c\x3e-\x7e]$/;
const mostMembers = 32;

const none: ReadonlySet<string> = new Set();
const state: ReadonlySet<string> = new Set(['tracestate']);
const both: ReadonlySet<string> = new Set(['traceparent', 'tracestate']);

/**
 * Reads `traceparent` and `tracestate`; null when neither was sent. A state without a parent that can be read means
 * nothing, so it goes with it.
 */
export function traceOf(rawHeaders: readonly string[]): Trace | null {
  let parents: string[] | null = null;
  let states: string[] | null = null;
  for (let index = 0; index < rawHeaders.length; index += 2) {
    const name = rawHeaders[index];
    if (name?.length === 11 && name.toLowerCase() === 'traceparent') {
      parents ??= [];
      parents.push(rawHeaders[index + 1] ?? '');
    } else if (name?.length === 10 && name.toLowerCase() === 'tracestate') {
      states ??= [];
      states.push(rawHeaders[index + 1] ?? '');
    }
  }
  if (parents === null && states === null) return null;
  const id = parents?.length === 1 ? parentOf(parents[0] ?? '') : null;
  if (id === null) return { id, malformed: both };
  return { id, malformed: states === null || isState(states) ? none : state };
}

/** The trace's id. What later versions append is theirs; version 00 has nothing to append. */
function parentOf(value: string): string | null {
  const [, id, more] = wellFormed.exec(value) ?? [];
  return id === undefined || (more !== undefined && value.startsWith('00')) ? null : id;
}

/** Several headers are one list; a key stands in it once. */
function isState(values: readonly string[]): boolean {
  const members = values
    .join(',')
    .split(',')
    .map((text) => text.replace(/^[ \t]+|[ \t]+$/g, ''))
    .filter((text) => text !== '');
  if (members.length > mostMembers || !members.every((text) => member.test(text))) return false;
  return new Set(members.map((text) => text.slice(0, text.indexOf('=')))).size === members.length;
}
