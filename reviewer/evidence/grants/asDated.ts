import { instantOf } from '../../../bundle/format/times.ts';
import { startOf } from '../../../bundle/grants/dates.ts';
import type { Grant, Organisation } from '../../../bundle/grants/organisation.ts';
import type { GrantHistory } from './notes.ts';

type Known = { of(grant: string): GrantHistory | null; from: number | null };

/**
 * Grants with the days on which they were given and answered for, as far as a file's word on that counts: whoever may edit
 * it can name any day. One that is moved stays where it was first; one that is ahead is the day on which it was written.
 * The very organisation where no grant has such days. `asOf`: seconds since 1970.
 */
export function asDated(organisation: Organisation, { of, from }: Known, asOf: number): Organisation {
  let isOther = false;
  const grants = organisation.grants.map((grant): Grant => {
    const known = of(grant.id);
    const named = Math.min(grant.grantedAt, known?.firstDated ?? grant.grantedAt);
    const grantedAt = named > asOf ? (cameTo(known) ?? from ?? named) : named;
    const { review } = grant;
    const reviewedAt = review !== undefined && startOf(review.at) > asOf ? (known?.reviewedAt ?? from) : null;
    if (grantedAt === grant.grantedAt && reviewedAt === null) return grant;
    isOther = true;
    return {
      ...grant,
      grantedAt,
      ...(review !== undefined &&
        reviewedAt !== null && { review: { ...review, at: instantOf(reviewedAt) } }),
    };
  });
  return isOther ? { ...organisation, grants } : organisation;
}

/** When it came to who holds it; null where it was theirs when the history began. */
const cameTo = (known: GrantHistory | null): number | null =>
  known?.heldAt == null || (known.restoredAt ?? 0) > known.heldAt
    ? (known?.restoredAt ?? null)
    : known.heldAt;
