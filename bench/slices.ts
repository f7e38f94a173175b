// Lookups in the line index, and slices cut from it, as the number of lines grows. `node bench/slices.ts [LINES …]`
import { indexLines, openIndex, type SharedLines } from '../gateway/revision/lineIndex.ts';
import { createSlices } from '../gateway/revision/slices.ts';
import { largeDocument } from '../test/gateway/_document.ts';

const sizes =
  process.argv.length > 2 ? process.argv.slice(2).map(Number) : [1_000, 10_000, 100_000, 1_000_000];

/** Nanoseconds per call. */
function time(rounds: number, work: (i: number) => unknown): number {
  let kept: unknown;
  for (let i = 0; i < rounds / 10; i += 1) kept = work(i * 7);
  const started = process.hrtime.bigint();
  for (let i = 0; i < rounds; i += 1) kept = work(i);
  const spent = Number(process.hrtime.bigint() - started) / rounds;
  if (kept === Symbol.iterator) throw new Error('never: keeps the work from being optimised away');
  return spent;
}

/** What the hash index is measured against: binary search over the same sorted lines. */
function binarySearch(shared: SharedLines): (api: string, name: string) => Uint8Array | null {
  const data = Buffer.from(shared.data);
  const spans = new Uint32Array(shared.spans);
  return (api, name) => {
    const section = shared.sections.find((candidate) => candidate.api === api);
    const key = Buffer.from(`"${name}"`, 'latin1');
    let low = section?.first ?? 0;
    let high = section?.end ?? 0;
    while (low < high) {
      const middle = (low + high) >>> 1;
      const start = spans[middle * 2] ?? 0;
      const order = data.compare(key, 0, key.length, start, start + key.length);
      if (order === 0) return data.subarray(start, spans[middle * 2 + 1]);
      if (order < 0) low = middle + 1;
      else high = middle;
    }
    return null;
  };
}

const rows: Record<string, string | number>[] = [];
for (const size of sizes) {
  const document = largeDocument(size);
  const started = performance.now();
  const shared = indexLines(document);
  const index = openIndex(shared);
  const built = performance.now() - started;
  const holders = Math.ceil(size / 10);
  // Spread over the whole document, as callers are, with a stride that is prime to any size.
  const person = (i: number) =>
    `user:person-${String(((i * 7919) % holders) | 0).padStart(7, '0')}@example.com`;
  const api = (i: number) => `api-${i % 10}`;
  const search = binarySearch(shared);
  const slices = createSlices({ lines: index });
  const cold = createSlices({ lines: index }, { maxBytes: 8 });
  const groupsOf = (i: number) => slices.principal(person(i))?.groups ?? [];
  rows.push({
    lines: index.count,
    MB: (document.length / 2 ** 20).toFixed(1),
    'index ms': built.toFixed(0),
    'hash µs': (time(100_000, (i) => index.grants(api(i), person(i))) / 1000).toFixed(2),
    'binary search µs': (time(100_000, (i) => search(api(i), person(i))) / 1000).toFixed(2),
    'slice, not cached µs': (time(30_000, (i) => cold.slice(api(i), person(i), groupsOf(i))) / 1000).toFixed(
      2,
    ),
    'slice, cached µs': (
      time(100_000, (i) => slices.slice(api(i % 100), person(i % 100), groupsOf(i % 100))) / 1000
    ).toFixed(2),
  });
}
console.table(rows);
