import { z } from 'zod';
import { detectorName } from '../../../bundle/grants/names.ts';
import { actions } from '../../detect/judge.ts';
import type { ForgePull } from '../../forge/forge.ts';
import { detectorTierNames } from '../../plan/tiers.ts';
import { decision } from './decision.ts';
import { createMarker } from './hiddenMarker.ts';

// A pull request's body is what the review remembers of it, as long as it is as the review wrote it.

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
/** What proposals come to by what was decided of them, and the comments that count as heard. */
export type Heard = Pick<Marker, 'entries' | 'handled'>;

const form = createMarker('review', marker);
export const hidden = form.hidden;
/** Reads what a body says that it remembers, whoever wrote it; null when it holds no marker, or a broken one. */
export const parseBody = form.parse;
/** What the review remembers in a text that nobody else has changed; null where somebody has, or nothing is remembered. */
export const rememberedIn = ({ isOurs, body }: Pick<ForgePull, 'isOurs' | 'body'>): Marker | null =>
  isOurs ? parseBody(body) : null;
/** A body in its parts: what people wrote above and below, and the review's own text after its marker. */
export const bodyParts = form.parts;
/** A body of its parts, however long. */
export const markedBody = form.join;
