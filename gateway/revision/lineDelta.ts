import { changedLines } from '../../bundle/data/changedLines.ts';
import { nothing } from '../../bundle/data/dataSections.ts';
import { documentSpans, type LineIndex, type SharedLines, sectionSpans } from './lineIndex.ts';

/**
 * The lines of one index that another has otherwise or not at all: with the other at hand, the first one need not be
 * kept. Ready to be posted to another thread.
 */
export type SharedDelta = {
  bytes: SharedArrayBuffer;
  /** {@link DeltaLine}s as JSON: it is handed over at once and read when somebody asks, which is mostly never. */
  lines: string;
};

/** Offsets into the bytes; null for a line that only the other one has. */
type DeltaLine = [section: string, name: string, span: [start: number, end: number] | null];

const principals = 'principals';
const ofApi = (api: string) => `grants ${api}`;
const ofDocument = (document: string) => `documents ${document}`;

const spansOf = (lines: SharedLines) =>
  new Map([
    ...[...sectionSpans(lines)].map(([api, span]) => [api === null ? principals : ofApi(api), span] as const),
    ...[...documentSpans(lines)].map(([name, span]) => [ofDocument(name), span] as const),
  ]);

/**
 * What of `before` is not in `after`. Null when more than `most` lines differ: then nothing is gained by it. Equal
 * stretches are stepped over as fast as memory compares; for the loader thread.
 */
export function deltaOf(before: SharedLines, after: SharedLines, most = 20_000): SharedDelta | null {
  const [old, now] = [Buffer.from(before.data), Buffer.from(after.data)];
  const [was, is] = [spansOf(before), spansOf(after)];
  const found: { section: string; name: string; start: number; end: number }[] = [];
  for (const section of new Set([...was.keys(), ...is.keys()])) {
    const sides = [
      { data: old, section: was.get(section) ?? nothing },
      { data: now, section: is.get(section) ?? nothing },
    ] as const;
    changedLines(...sides, (name, line) => {
      const { start, end } = line ?? { start: -1, end: -1 };
      if (found.length <= most) found.push({ section, name, start, end });
    });
    if (found.length > most) return null;
  }
  const bytes = Buffer.from(
    new SharedArrayBuffer(found.reduce((sum, { start, end }) => sum + Math.max(0, end - start), 0)),
  );
  let at = 0;
  const lines = found.map(({ section, name, start, end }): DeltaLine => {
    if (start < 0) return [section, name, null];
    const length = old.copy(bytes, at, start, end);
    at += length;
    return [section, name, [at - length, at]];
  });
  return { bytes: bytes.buffer as SharedArrayBuffer, lines: JSON.stringify(lines) };
}

/**
 * The index that `delta` was taken from: its own lines where the two differ, those of `after` otherwise. `own` is what
 * that index held beside its lines.
 */
export function beforeDelta(
  after: LineIndex,
  delta: SharedDelta,
  own: Pick<LineIndex, 'head' | 'documents'>,
): LineIndex {
  const read = () => {
    const bytes = new Uint8Array(delta.bytes);
    const lines = new Map<string, Map<string, Uint8Array | null>>();
    for (const [section, name, span] of JSON.parse(delta.lines) as DeltaLine[]) {
      const names = lines.get(section) ?? new Map<string, Uint8Array | null>();
      lines.set(section, names.set(name, span === null ? null : bytes.subarray(...span)));
    }
    return lines;
  };
  let changed: ReturnType<typeof read> | null = null;
  const find = (section: string, name: string, otherwise: () => Uint8Array | null) => {
    changed ??= read();
    const line = changed.get(section)?.get(name);
    return line === undefined ? otherwise() : line;
  };
  return {
    head: own.head,
    documents: own.documents,
    count: after.count,
    grants: (api, principal) => find(ofApi(api), principal, () => after.grants(api, principal)),
    principal: (subject) => find(principals, subject, () => after.principal(subject)),
    entry: (document, key) => find(ofDocument(document), key, () => after.entry(document, key)),
    walk: null,
  };
}
