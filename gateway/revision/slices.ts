import { LRUCache } from 'lru-cache';
import { type PrincipalLine, readPrincipalLine } from '../../bundle/data/principalLine.ts';
import { apiFields } from '../../bundle/policy/examine/policyReads.ts';
import { createDocumentEntries, type DocumentEntry } from './documentEntries.ts';
import { type LineIndex, valueText } from './lineIndex.ts';
import type { Snapshot } from './snapshot.ts';

// opa-wasm 1.10 takes data as JSON bytes only in a real ArrayBuffer: a Buffer or a shared one it would stringify.

/** The grants of one holder at one API, a line of data.json: `"NAME":[…]`. */
export type HeldLine = { readonly name: string; readonly line: Uint8Array };

/**
 * What the document has of a caller at an API, and the lines of grants that stand in it. `key` tells it from others, where
 * anybody asks.
 */
export type Cut = {
  readonly document: ArrayBuffer;
  readonly lines: readonly HeldLine[];
  readonly key: string;
};

export type Slices = {
  /** What the bundle says about `subject` (`user:LOGIN`, `service:NAME`), or null when no directory knows it. */
  principal(subject: string): PrincipalLine | null;
  /**
   * The data document for one decision, as the JSON bytes opa-wasm's `setData` takes:
   * `{"grants":{API:{PRINCIPAL:[…]}},"principals":{SUBJECT:{…}}}` with exactly the lines of the subject, of the given
   * groups and of those the directory knows, and before and behind the grants what the policy reads of the API's own
   * entry (`apis`) and of `networks`. The same buffer comes back as long as it is cached, so an evaluator may skip a `setData` it has
   * just done. Nobody may write to it.
   */
  slice(api: string, subject: string, groups: readonly string[]): ArrayBuffer;
  /** The same with its lines. */
  cut(api: string, subject: string, groups: readonly string[]): Cut;
  /** A cut's document with the entries of data documents that the policy reads for this input; the same where it reads none. */
  given(cut: Cut, input: Caller): ArrayBuffer;
  /** These entries, whether there or not. */
  entries(input: Caller): readonly DocumentEntry[];
};

type Caller = { readonly subject: string; readonly groups: readonly string[] };

/** The part of a snapshot that slices are cut from; where nothing says what the policy reads, it is given everything. */
export type Sliceable = { lines: Omit<LineIndex, 'walk'> } & {
  reads?: Pick<Snapshot['reads'], 'api' | 'documents' | 'networks'>;
};

/**
 * Opens the slices of one snapshot, with caches of their own: a swap leaves nothing behind. `maxBytes` bounds them, and
 * what is made of fewer bytes than `keptFrom` is not among them: who remembers its answers seldom asks for it again.
 */
export function createSlices(
  { lines, reads = everything }: Sliceable,
  { maxBytes = 64 * 2 ** 20, keptFrom = 0 } = {},
): Slices {
  const principals = new LRUCache<string, PrincipalLine>({
    maxSize: Math.ceil(maxBytes / 4),
    sizeCalculation: (value, key) =>
      200 + key.length + value.groups.reduce((sum, { length }) => sum + length + 24, 0),
  });
  const documents = new LRUCache<string, Cut>({
    maxSize: maxBytes,
    sizeCalculation: ({ document, lines: held }, key) =>
      400 + key.length * 2 + document.byteLength + held.reduce((sum, { name }) => sum + 200 + name.length, 0),
  });

  // One decision asks some times about one subject.
  let last: { subject: string; line: Uint8Array; principal: PrincipalLine } | null = null;
  const find = (subject: string): typeof last => {
    if (last?.subject === subject) return last;
    const line = lines.principal(subject);
    if (line === null) return null;
    const isKept = line.length >= keptFrom;
    let principal = isKept ? principals.get(subject) : undefined;
    if (principal === undefined) {
      principal = readPrincipal(line);
      if (isKept) principals.set(subject, principal);
    }
    last = { subject, line, principal };
    return last;
  };
  const principal = (subject: string): PrincipalLine | null => find(subject)?.principal ?? null;

  const documentEntries = createDocumentEntries(lines, reads.documents);
  const callerOf = ({ subject, groups }: Caller): Caller => ({
    subject,
    groups: [...groups, ...(principal(subject)?.groups ?? [])],
  });
  const filled = new LRUCache<string, ArrayBuffer>({
    maxSize: Math.ceil(maxBytes / 4),
    sizeCalculation: (document, key) => 400 + key.length * 2 + document.byteLength,
  });
  const given = (made: Cut, input: Caller): ArrayBuffer => {
    if (documentEntries === null) return made.document;
    const keys = documentEntries.keys(input, callerOf(input));
    const parts = [made.key, ...keys.flatMap(({ document, key }) => [document, key])];
    const key = parts.map((part) => `${part.length}:${part}`).join('');
    const cached = filled.get(key);
    if (cached) return cached;
    // Behind the brace that opens the document.
    const written = Buffer.concat([
      brace,
      documentEntries.write(documentEntries.find(keys)),
      Buffer.from(made.document, 1),
    ]);
    const document = new Uint8Array(written).buffer;
    filled.set(key, document);
    return document;
  };

  const entries = (input: Caller): readonly DocumentEntry[] =>
    documentEntries?.find(documentEntries.keys(input, callerOf(input))) ?? [];

  const fixed = createFixed(lines.head, reads);
  const cut = (api: string, subject: string, groups: readonly string[]): Cut => {
    const known = find(subject);
    const own = known?.principal.groups ?? none;
    // The subject's own groups need no place in the key: a snapshot knows one list of them.
    const keyOf = () =>
      groups === own
        ? `=${api.length}:${api}${subject}`
        : [api, subject, ...groups].map((part) => `${part.length}:${part}`).join('');
    const cached = documents.size === 0 ? undefined : documents.get(keyOf());
    if (cached) return cached;
    const held = linesOf(lines, api, subject, groups === own ? own : new Set([...groups, ...own]));
    const document = documentOf(held, known?.line ?? null, fixed(api));
    const isKept = document.byteLength >= keptFrom;
    const made = { document, lines: held, key: isKept || documentEntries !== null ? keyOf() : '' };
    if (isKept) documents.set(made.key, made);
    return made;
  };
  return {
    principal,
    cut,
    given,
    entries,
    slice: (api, subject, groups) => cut(api, subject, groups).document,
  };
}

/**
 * Whether a decision about `subject` at `api` must come out the same in both snapshots, judged by bytes and without
 * evaluating: same rules, same API, same networks, same lines of the subject and of each of its groups. `groups` are
 * those of a token, where the issuer names them; the directory's count in any case. False means "decide again".
 */
export function sameLines(
  before: Snapshot,
  after: Snapshot,
  api: string,
  subject: string,
  groups?: readonly string[],
): boolean {
  if (before === after) return true;
  if (before.policy !== after.policy) return false;
  if (before.lines.head.networks !== after.lines.head.networks) return false;
  // Which entries a decision is about, only its whole input tells.
  if (after.reads.documents !== undefined && before.lines.documents.digest !== after.lines.documents.digest)
    return false;
  if (JSON.stringify(before.apis.get(api)) !== JSON.stringify(after.apis.get(api))) return false;
  const known = before.lines.principal(subject);
  if (!sameBytes(known, after.lines.principal(subject))) return false;
  const holders = [...(groups ?? []), ...(known === null ? [] : readPrincipal(known).groups)];
  return [subject, ...holders].every((name) =>
    sameBytes(before.lines.grants(api, name), after.lines.grants(api, name)),
  );
}

function linesOf(
  lines: Sliceable['lines'],
  api: string,
  subject: string,
  groups: Iterable<string>,
): readonly HeldLine[] {
  const held: HeldLine[] = [];
  const take = (name: string) => {
    const line = lines.grants(api, name);
    if (line !== null) held.push({ name, line });
  };
  take(subject);
  // A group that a token names "user:bob" must not become bob.
  for (const name of groups) if (name !== subject && name.startsWith('group:')) take(name);
  return held;
}

const none: readonly string[] = [];
const [brace, comma, end] = [Buffer.from('{'), Buffer.from(','), Buffer.from('}}')];

function documentOf(
  held: readonly HeldLine[],
  principal: Uint8Array | null,
  { before, after }: Fixed,
): ArrayBuffer {
  const parts: Uint8Array[] = [before];
  for (const { line } of held) {
    if (parts.length > 1) parts.push(comma);
    parts.push(line);
  }
  parts.push(after);
  if (principal !== null) parts.push(principal);
  parts.push(end);
  let length = 0;
  for (const part of parts) length += part.length;
  const document = new Uint8Array(length);
  let at = 0;
  for (const part of parts) {
    document.set(part, at);
    at += part.length;
  }
  return document.buffer;
}

const everything: NonNullable<Sliceable['reads']> = { api: [...apiFields], networks: true };

/** What is the same for every caller of an API: the bytes on both sides of the lines of grants. */
type Fixed = { before: Buffer; after: Buffer };

/** A policy that reads grants and principals only, as the one that comes with the product, is given nothing else. */
function createFixed(
  head: Sliceable['lines']['head'],
  { api: fields, networks }: NonNullable<Sliceable['reads']>,
): (api: string) => Fixed {
  const after = Buffer.from(`}}${networks ? `,"networks":${head.networks}` : ''},"principals":{`);
  let entries: ReadonlyMap<string, unknown> | null = null;
  /** What the policy reads of the API's own entry; empty for one that is not there. */
  const entryOf = (api: string): string => {
    if (fields.length === 0) return '';
    entries ??= new Map(Object.entries(JSON.parse(head.apis) as Record<string, unknown>));
    const entry = entries.get(api);
    if (entry === undefined) return '';
    const wanted = Object.entries(entry ?? {}).filter(([name]) => fields.some((field) => field === name));
    return `"apis":{${JSON.stringify(api)}:${JSON.stringify(Object.fromEntries(wanted))}},`;
  };
  const known = new Map<string, Fixed>();
  return (api) => {
    const before = known.get(api);
    if (before !== undefined) return before;
    const fixed = { before: Buffer.from(`{${entryOf(api)}"grants":{${JSON.stringify(api)}:{`), after };
    // Who explains may ask about APIs that are not there.
    if (known.size >= mostApis) known.clear();
    known.set(api, fixed);
    return fixed;
  };
}

const mostApis = 20_000;

/** The principal on a line. Throws BundleError `data-malformed`. */
export const readPrincipal = (line: Uint8Array): PrincipalLine =>
  readPrincipalLine(JSON.parse(valueText(line)));

function sameBytes(a: Uint8Array | null, b: Uint8Array | null): boolean {
  if (a === null || b === null) return a === b;
  return a.length === b.length && a.every((byte, i) => byte === b[i]);
}
