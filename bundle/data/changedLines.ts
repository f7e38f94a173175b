import { compareCodePoints } from '../format/canonicalJson.ts';
import { keyAt, lineEnd, nextLine, type Span } from './dataSections.ts';

/** A section of one side. */
export type Side = { data: Buffer; section: Span };

const smallest = 256;
const largest = 1024 * 1024;

/**
 * Walks two sections side by side, which both are sorted by key, and calls back with each line that is there on one
 * side only (null on the other) or differs. What is equal is stepped over in blocks, as fast as memory compares.
 */
export function changedLines(
  before: Side,
  after: Side,
  visit: (key: string, before: Span | null, after: Span | null) => void,
): void {
  let [left, right] = [before.section.start, after.section.start];
  const [leftEnd, rightEnd] = [before.section.end, after.section.end];
  let block = largest;

  /** Steps over whole lines that are equal; says whether there were any. */
  const skip = (): boolean => {
    const size = Math.min(block, leftEnd - left, rightEnd - right);
    const bytes = before.data.subarray(left, left + size);
    if (size === 0 || bytes.compare(after.data, right, right + size) !== 0) {
      block = Math.max(smallest, block >>> 1);
      return false;
    }
    block = Math.min(largest, block * 2);
    // A line counts once its line feed is there: without it, it may go on differently.
    const whole = bytes.lastIndexOf(0x0a) + 1;
    left += whole;
    right += whole;
    return whole > 0;
  };

  while (left < leftEnd && right < rightEnd) {
    if (skip()) continue;
    const [one, other] = [keyAt(before.data, left), keyAt(after.data, right)];
    const mine = { start: left, end: lineEnd(before.data, left, before.section) };
    const theirs = { start: right, end: lineEnd(after.data, right, after.section) };
    const order = compareCodePoints(one, other);
    if (order <= 0) left = nextLine(mine.end);
    if (order >= 0) right = nextLine(theirs.end);
    if (order < 0) visit(one, mine, null);
    else if (order > 0) visit(other, null, theirs);
    else if (before.data.compare(after.data, theirs.start, theirs.end, mine.start, mine.end) !== 0)
      visit(one, mine, theirs);
  }
  for (; left < leftEnd; ) {
    const line = { start: left, end: lineEnd(before.data, left, before.section) };
    visit(keyAt(before.data, left), line, null);
    left = nextLine(line.end);
  }
  for (; right < rightEnd; ) {
    const line = { start: right, end: lineEnd(after.data, right, after.section) };
    visit(keyAt(after.data, right), null, line);
    right = nextLine(line.end);
  }
}
