import { changedLines } from '../../bundle/format/changedLines.ts';
import { nothing } from '../../bundle/format/dataSections.ts';
import { type LineIndex, type SharedLines, sectionSpans } from './lineIndex.ts';

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
type DeltaLine = [api: string | null, name: string, span: [start: number, end: number] | null];

/**
 * What of `before` is not in `after`. Null when more than `most` lines differ: then nothing is gained by it. Equal
 * stretches are stepped over as fast as memory compares; for the loader thread.
 */
export function deltaOf(before: SharedLines, after: SharedLines, most = 20_000): SharedDelta | null {
  const [old, now] = [Buffer.from(before.data), Buffer.from(after.data)];
  const [was, is] = [sectionSpans(before), sectionSpans(after)];
  const found: { api: string | null; name: string; start: number; end: number }[] = [];
  for (const api of new Set([...was.keys(), ...is.keys()])) {
    const sides = [
      { data: old, section: was.get(api) ?? nothing },
      { data: now, section: is.get(api) ?? nothing },
    ] as const;
    changedLines(...sides, (name, line) => {
      const { start, end } = line ?? { start: -1, end: -1 };
      if (found.length <= most) found.push({ api, name, start, end });
    });
    if (found.length > most) return null;
  }
  const bytes = Buffer.from(
    new SharedArrayBuffer(found.reduce((sum, { start, end }) => sum + Math.max(0, end - start), 0)),
  );
  let at = 0;
  const lines = found.map(({ api, name, start, end }): DeltaLine => {
    if (start < 0) return [api, name, null];
    const length = old.copy(bytes, at, start, end);
    at += length;
    return [api, name, [at - length, at]];
  });
  return { bytes: bytes.buffer as SharedArrayBuffer, lines: JSON.stringify(lines) };
}

/** The index that `delta` was taken from: its own lines where the two differ, those of `after` otherwise. */
export function beforeDelta(after: LineIndex, delta: SharedDelta, head: LineIndex['head']): LineIndex {
  const read = () => {
    const bytes = new Uint8Array(delta.bytes);
    const lines = new Map<string | null, Map<string, Uint8Array | null>>();
    for (const [api, name, span] of JSON.parse(delta.lines) as DeltaLine[]) {
      const names = lines.get(api) ?? new Map<string, Uint8Array | null>();
      lines.set(api, names.set(name, span === null ? null : bytes.subarray(...span)));
    }
    return lines;
  };
  let own: ReturnType<typeof read> | null = null;
  const find = (api: string | null, name: string, otherwise: () => Uint8Array | null) => {
    own ??= read();
    const line = own.get(api)?.get(name);
    return line === undefined ? otherwise() : line;
  };
  return {
    head,
    count: after.count,
    grants: (api, principal) => find(api, principal, () => after.grants(api, principal)),
    principal: (subject) => find(null, subject, () => after.principal(subject)),
    walk: null,
  };
}
