import { answersFor } from '../asking/answersFor.ts';
import { type Notice, othersAsked } from '../asking/notice.ts';
import { notify } from '../asking/notify.ts';
import type { Forge, ForgePull } from '../forge/forge.ts';
import { isOver, isSilent, reminderAt } from './due.ts';
import type { Frozen } from './frozen.ts';
import type { PartMarker } from './marker.ts';
import { apiOwnersOf, mostOthers, reviewersOf } from './partReviewers.ts';
import type { Base } from './preparePart.ts';
import type { Part } from './rows.ts';

/** `asOf`: seconds since 1970. */
type Reminding = { forge: Forge; frozen: Frozen; base: Base; asOf: number };

/** Tells those who have not finished, each thing once, and asks others in the place of who is absent or silent. */
export async function remind(
  part: Part,
  pull: ForgePull,
  marker: Pick<PartMarker, 'answers' | 'unanswered'> | null,
  { forge, frozen, base, asOf }: Reminding,
): Promise<boolean> {
  const { organisation } = base;
  const rules = organisation.review.campaigns;
  const asked = pull.createdMs / 1000;
  const due: Notice[] = [];
  const kind = reminderAt(frozen, rules, { asked, asOf });
  if (kind !== null)
    due.push({
      ...{ key: kind, who: reviewersOf(part, organisation) },
      text: `the campaign ${frozen.name} ends with ${frozen.due}, and this is still open. Merge it, or decide otherwise by a comment.`,
    });
  // Of what was refused nobody has answered anything.
  if (!isOver(frozen, asOf) && (marker?.answers ?? []).length === 0) {
    const silent = isSilent(asked, rules, asOf);
    const others = othersAsked(part, organisation, { silent, most: mostOthers });
    if (others !== null) due.push(others);
  }
  if (marker?.unanswered !== undefined) {
    const text = `nobody has answered by ${frozen.due}. This now says what \`pull_requests.no_response\` in \`grants/review.yaml\` makes of that, and asks those who answer for the APIs.`;
    due.push({ key: 'unanswered', who: apiOwnersOf(part, organisation), text, asks: true });
  }
  return notify(forge, pull.number, due, answersFor(part.owner, organisation, part.entries));
}
