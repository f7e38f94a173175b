import { ReviewError } from '../../reviewError.ts';
import { longestBody } from './body.ts';
import type { BodyParts } from './hiddenMarker.ts';
import { type Marker, markedBody } from './marker.ts';
import { leftOut, leftOutLine, splitOwn } from './sections.ts';

const size = (text: string) => [...text].length;

/**
 * Puts a body together again, with what people wrote. Decisions make it longer, and so may people: sections that GitHub's
 * limit has no room for any more are left out, the last ones first, with a word on how many; the diff has them all. Throws
 * ReviewError `edit-failed` when not even what it must remember has room.
 */
export function joinBody(marker: Marker, own: string, around: Pick<BodyParts, 'above' | 'below'>): string {
  const whole = markedBody(marker, own, around);
  if (size(whole) <= longestBody) return whole;
  const { head, sections, tail } = splitOwn(own);
  const kept = [...sections.values()];
  const ends = tail.replace(leftOutLine, '');
  while (kept.length > 0) {
    kept.pop();
    const text = [head, ...kept, ends, leftOut(marker.entries.length - kept.length)].join('\n\n');
    const body = markedBody(marker, text, around);
    if (size(body) <= longestBody) return body;
  }
  throw new ReviewError(
    'edit-failed',
    'what is decided of these grants, and why, is longer than a description may be: give shorter reasons, or split',
  );
}
