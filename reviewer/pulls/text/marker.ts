import { z } from 'zod';
import { detectorName } from '../../../bundle/grants/names.ts';
import { actions } from '../../detect/judge.ts';
import { detectorTierNames } from '../../plan/tiers.ts';
import { decision } from './decision.ts';

// A pull request's body is what the review remembers of it. The first line that is a marker holds it, hidden when the
// body is rendered; a second marker ends what the review wrote, and whatever people write above or below is theirs.

const entry = z.object({
  fingerprint: z.string().regex(/^[0-9a-f]{32}$/),
  grant: z.string(),
  api: z.string(),
  detector: detectorName,
  action: z.enum(actions),
  /** The edit's own words, where the action alone does not tell it. */
  to: z.union([z.object({ role: z.string() }), z.object({ operations: z.array(z.string()) })]).optional(),
  set: z
    .union([
      z.object({
        review: z.object({ decision: z.literal('keep'), by: z.string(), at: z.string(), reason: z.string() }),
      }),
      z.object({ expires: z.string() }),
      z.object({ owner: z.string() }),
      z.object({ principal: z.string() }),
      z.object({ limits: z.object({ rate: z.string() }) }),
      z.object({
        conditions: z.union([
          z.object({ mfa: z.literal(true) }),
          z.object({ networks: z.array(z.string()) }),
        ]),
      }),
    ])
    .optional(),
  decision: decision.optional(),
});

const marker = z.object({
  version: z.literal(2),
  as_of: z.string(),
  owner: z.string(),
  tier: z.enum(detectorTierNames),
  risk: z.enum(['high', 'routine']),
  /** As the review wrote it: another one is somebody's, and stays. */
  title: z.string(),
  /** The commit that this text speaks of; null while it is being changed. */
  commit: z.string().nullable(),
  entries: z.array(entry),
  /** Comments that have been carried out, so that one delivered twice counts once. */
  handled: z.array(z.string()).optional(),
  /** Why the review closed it itself: that is nobody's decision. */
  closed: z.string().optional(),
  /** Since when those are asked who answer for the APIs, for nobody else has answered. */
  escalated: z.string().optional(),
  /** Until when a closing by somebody is remembered, once that has been said. */
  remembered: z.string().optional(),
});

/** A finding as a pull request holds it. */
export type Entry = z.output<typeof entry>;
export type Marker = z.output<typeof marker>;

/** Ends what the review wrote. */
export const endMark = '<!-- grantgate:end -->';

/** Two hyphens would end the comment early. */
export const hidden = (value: Marker): string =>
  `<!-- grantgate:review ${JSON.stringify(value).replaceAll('--', '\\u002d\\u002d')} -->`;

const pattern = /^<!-- grantgate:review (\{.*\}) -->\r?$/m;

/** Reads what a body remembers; null when it holds no marker, or a broken one. */
export function parseBody(body: string): Marker | null {
  const text = pattern.exec(body)?.[1];
  if (text === undefined) return null;
  try {
    return marker.parse(JSON.parse(text));
  } catch {
    return null;
  }
}

/** A body in its parts: what people wrote above and below, and the review's own text after its marker. */
export function bodyParts(body: string): { above: string; own: string; below: string } {
  const text = body.replace(/\r\n/g, '\n');
  const found = pattern.exec(text);
  if (found === null) return { above: '', own: '', below: text.trim() };
  const from = found.index + found[0].length;
  const end = text.lastIndexOf(`\n${endMark}`);
  return {
    above: text.slice(0, found.index).trim(),
    own: text.slice(from, end < from ? undefined : end).trim(),
    below: end < from ? '' : text.slice(end + endMark.length + 1).trim(),
  };
}

/** Puts a body together again, with what people wrote. */
export function joinBody(
  value: Marker,
  own: string,
  { above, below }: { above: string; below: string },
): string {
  const parts = [above, `${hidden(value)}\n${own.trim()}\n${endMark}`, below];
  return `${parts.filter((part) => part !== '').join('\n\n')}\n`;
}
