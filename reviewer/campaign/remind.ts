import { askedFirst } from '../asking/answering.ts';
import { answersFor } from '../asking/answersFor.ts';
import { inTheirPlace, type Notice, tell } from '../asking/told.ts';
import type { Forge, ForgePull } from '../forge/forge.ts';
import { isOver, isSilent, reminderAt } from './due.ts';
import type { Frozen } from './frozen.ts';
import type { PartMarker } from './marker.ts';
import { othersOf, reviewersOf } from './partReviewers.ts';
import type { Base } from './preparePart.ts';
import type { Part } from './rows.ts';

/** `asOf`: seconds since 1970. */
type Reminding = { forge: Forge; frozen: Frozen; base: Base; asOf: number };

/** Tells those who have not finished, each thing once, and asks others in the place of who is absent or silent. */
export async function remind(
  part: Part,
  pull: ForgePull,
  marker: Pick<PartMarker, 'handled' | 'unanswered'> | null,
  { forge, frozen, base, asOf }: Reminding,
): Promise<boolean> {
  const { organisation } = base;
  const { owner } = part;
  const rules = organisation.review.campaigns;
  const asked = pull.createdMs / 1000;
  const due: Notice[] = [];
  const kind = reminderAt(frozen, rules, { asked, asOf });
  if (kind !== null)
    due.push({
      ...{ key: kind, who: reviewersOf(part, organisation) },
      text: `the campaign ${frozen.name} ends with ${frozen.due}, and this is still open. Merge it, or decide otherwise by a comment.`,
    });
  const silent = (marker?.handled ?? []).length === 0;
  if (!isOver(frozen, asOf) && silent) {
    const { who } = askedFirst(part, organisation);
    const place = who === 'owners' ? (isSilent(asked, rules, asOf) ? 'managers' : null) : who;
    const names = place === null ? [] : othersOf(place, part, organisation);
    const why = who === 'owners' ? 'silent' : 'absent';
    if (place !== null && names.length > 0)
      due.push({
        ...inTheirPlace(place, why, { owner, names }),
        unlessApproved: answersFor(part.owner, organisation, part.entries),
      });
  }
  if (marker?.unanswered !== undefined) {
    const text = `nobody has answered by ${frozen.due}. This now says what \`pull_requests.no_response\` in \`grants/review.yaml\` makes of that, and asks those who answer for the APIs.`;
    due.push({ key: 'unanswered', who: othersOf('api-owners', part, organisation), text, asks: true });
  }
  return tell(forge, pull.number, due);
}
