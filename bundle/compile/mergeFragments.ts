import { keyAt, valueAt } from '../data/dataSections.ts';
import { readGrantLine } from '../data/grantLine.ts';
import { canonicalJson, compareCodePoints } from '../format/canonicalJson.ts';
import type { Fragment } from './fragment.ts';

type Line = { key: string; bytes: Buffer };

const lineFeed = 0x0a;

function linesOf({ lines }: Fragment, found: Line[]): void {
  for (let start = 0; start < lines.length; ) {
    const feed = lines.indexOf(lineFeed, start);
    const end = feed < 0 ? lines.length : feed - 1;
    found.push({ key: keyAt(lines, start), bytes: lines.subarray(start, end) });
    start = feed < 0 ? lines.length : feed + 1;
  }
}

/** One line of the grants that several files give one principal. */
function join(same: readonly Line[]): Buffer {
  const key = same[0]?.key ?? '';
  const entries = same.flatMap(({ bytes }) => readGrantLine(valueAt(bytes, { start: 0, end: bytes.length })));
  entries.sort((a, b) => compareCodePoints(a.id, b.id));
  return Buffer.from(`${canonicalJson(key)}:${canonicalJson(entries)}`);
}

/** Joins the fragments of one API's files into one, whose lines are those of the section in data.json. */
export function mergeFragments(fragments: readonly Fragment[]): Fragment {
  const found: Line[] = [];
  for (const fragment of fragments) linesOf(fragment, found);
  found.sort((a, b) => compareCodePoints(a.key, b.key));
  const parts: Buffer[] = [];
  const comma = Buffer.from(',\n');
  for (let at = 0; at < found.length; ) {
    let end = at + 1;
    while (end < found.length && found[end]?.key === found[at]?.key) end += 1;
    if (at > 0) parts.push(comma);
    const [line] = found.slice(at, at + 1);
    if (end === at + 1 && line) parts.push(line.bytes);
    else parts.push(join(found.slice(at, end)));
    at = end;
  }
  const ids = new BigUint64Array(fragments.reduce((sum, fragment) => sum + fragment.ids.length, 0));
  let filled = 0;
  for (const fragment of fragments) {
    ids.set(fragment.ids, filled);
    filled += fragment.ids.length;
  }
  const union = (lists: (readonly string[])[]) => [...new Set(lists.flat())].sort();
  return {
    ids,
    services: union(fragments.map(({ services }) => services)),
    networks: union(fragments.map(({ networks }) => networks)),
    lines: Buffer.concat(parts),
  };
}
