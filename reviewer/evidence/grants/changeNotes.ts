import { canonicalJson } from '../../../bundle/format/canonicalJson.ts';
import { startOf } from '../../../bundle/grants/dates.ts';
import type { GrantEntry } from '../../../bundle/grants/schema.ts';
import type { ApiThen } from './apiThen.ts';
import type { createGrantFiles } from './grantFiles.ts';
import { type createNotes, type GrantHistory, untouched } from './notes.ts';
import { renewedBy } from './renewedBy.ts';

/** A grant's text before a change and after it. */
export type Texts = { before: string; after: string };

/** What was so when a step took effect. */
export type Moment = {
  /** Seconds since 1970, as is `beganAt`. */
  at: number;
  /** Nothing is known of when what it brings was written. */
  blind: boolean;
  /** What is noted of a grant that was never seen before. */
  asNew: GrantHistory;
  /** When the history began. */
  beganAt: number;
  apisBefore: ReadonlyMap<string, ApiThen>;
};

type Options = {
  notes: ReturnType<typeof createNotes>;
  files: Pick<ReturnType<typeof createGrantFiles>, 'parse'>;
  /** By name, as they are now. */
  apis: ReadonlyMap<string, ApiThen>;
};

const withoutReview = ({ review: _, ...entry }: GrantEntry) => canonicalJson(entry);
const reviewIn = ({ review }: GrantEntry) => canonicalJson(review ?? null);

/** Notes of a grant what its text says otherwise than before. A text that cannot be read says nothing. */
export function createChangeNotes({ notes, files, apis }: Options) {
  const parseBoth = ({ before, after }: Texts): [GrantEntry, GrantEntry] | null => {
    const [old, now] = [files.parse(before), files.parse(after)];
    return old === null || now === null ? null : [old, now];
  };

  /** Most have no review, and need not be read. */
  const isReviewedBefore = (text: string, at: number): boolean => {
    const review = /review|\\/.test(text) ? files.parse(text)?.review : undefined;
    return review !== undefined && startOf(review.at) < at;
  };

  /** Another day in the file gives nobody anything: the days until then were days, too. One that was ahead never was. */
  const redate = (id: string, named: number, { at, beganAt }: Moment) => {
    const known = notes.get(id) ?? untouched;
    const dated = named > at ? Math.max(known.restoredAt ?? beganAt, known.heldAt ?? beganAt) : named;
    notes.note(id, { firstDated: Math.min(known.firstDated ?? dated, dated) });
  };

  return {
    /**
     * A grant that was not there. Whatever day it says it was given on, nobody had it before it came: one that was written
     * late, or that has another id now, was not idle all the time. `goneAt`: since when it was away, of one that was there
     * before: whoever answered for it until then has not answered for whom it is given to again.
     */
    appear(id: string, text: string, { at, blind, asNew }: Moment, goneAt?: number): void {
      // Most are not, and need not be read: the word stands there, or hides behind an escape.
      const suspended = /suspended|\\/.test(text) && files.parse(text)?.state === 'suspended';
      const suspendedAt = suspended && !blind ? at : null;
      if (notes.has(id))
        notes.note(id, {
          changedSinceReview: goneAt !== undefined && isReviewedBefore(text, goneAt),
          ...{ firstDated: null, reviewedAt: at },
          ...{ suspendedAt, grownAt: at, restoredAt: at },
        });
      else notes.add(id, suspendedAt === null ? asNew : { ...asNew, suspendedAt });
    },

    change(id: string, texts: Texts, moment: Moment): void {
      const both = parseBoth(texts);
      if (both === null) return;
      const [old, now] = both;
      const { at, apisBefore } = moment;
      if (old.state !== now.state) {
        notes.note(id, { suspendedAt: now.state === 'suspended' ? at : null });
        if (now.state === 'active') notes.note(id, { restoredAt: at });
      }
      const renewed = renewedBy(old, now, { at, before: apisBefore, after: apis });
      notes.note(id, Object.fromEntries(renewed.map((name) => [name, at])));
      if (renewed.includes('heldAt')) notes.note(id, { firstDated: null });
      else if (startOf(old.granted) !== startOf(now.granted)) redate(id, startOf(old.granted), moment);
      // What the commit changed that wrote the keep was kept with it.
      if (reviewIn(old) !== reviewIn(now)) notes.note(id, { changedSinceReview: false, reviewedAt: at });
      else if (withoutReview(old) !== withoutReview(now)) notes.note(id, { changedSinceReview: true });
    },

    /** On a merged branch: what a grant's holder, owner and reach were meanwhile is not held against what they are again. */
    changeAside(id: string, texts: Texts, at: number): void {
      const both = parseBoth(texts);
      if (both === null) return;
      const [old, now] = both;
      const renewed = renewedBy(old, now, { at, before: apis, after: apis });
      if (old.state === 'suspended' && now.state === 'active') renewed.push('restoredAt');
      if (old.state === 'active' && now.state === 'suspended' && notes.get(id)?.suspendedAt != null)
        renewed.push('suspendedAt');
      notes.noteLatest(id, at, renewed);
    },
  };
}
