import { changedLines } from '../../bundle/data/changedLines.ts';
import { nothing, type Span, valueAt } from '../../bundle/data/dataSections.ts';
import { readGrantLine } from '../../bundle/data/grantLine.ts';
import { type SharedLines, sectionSpans } from './lineIndex.ts';

/**
 * How many grants of one data.json are gone in another: those that an API's line of a principal has lost, whoever else
 * may have been given something meanwhile. What became narrower, was suspended or has moved its end is still there.
 * Made for the loader thread: only lines that changed are parsed. Throws BundleError `data-malformed`.
 */
export function countRemoved(before: SharedLines, after: SharedLines): number {
  const [old, now] = [Buffer.from(before.data), Buffer.from(after.data)];
  const sections = sectionSpans(after);
  const idsOf = (data: Buffer, line: Span | null): string[] =>
    line === null ? [] : readGrantLine(valueAt(data, line)).map(({ id }) => id);
  let removed = 0;
  for (const [api, section] of sectionSpans(before)) {
    if (api === null) continue;
    const next = { data: now, section: sections.get(api) ?? nothing };
    changedLines({ data: old, section }, next, (_, was, is) => {
      const kept = new Set(idsOf(now, is));
      removed += idsOf(old, was).filter((id) => !kept.has(id)).length;
    });
  }
  return removed;
}
