import type { Forge, ForgePull } from '../forge/forge.ts';
import { code } from '../forge/markdown.ts';
import { isAbsent, isOver, reminderAt } from './due.ts';
import type { Frozen } from './frozen.ts';
import type { PartMarker } from './marker.ts';
import { askAll, reviewersOf } from './partReviewers.ts';
import type { Base } from './preparePart.ts';
import type { Part } from './rows.ts';

/** `asOf`: seconds since 1970. */
type Reminding = { forge: Forge; frozen: Frozen; base: Base; asOf: number };

const mark = (key: string) => `<!-- grantgate:campaign-told ${key} -->`;
/** What a comment told of, whom it names and what it says; null for any other comment. */
export function toldIn(body: string): { key: string; who: string[]; text: string } | null {
  const [line = '', ...rest] = body.replace(/\r\n/g, '\n').split('\n');
  const [, key] = /^<!-- grantgate:campaign-told ([a-z0-9 -]{1,20}) -->$/.exec(line) ?? [];
  if (key === undefined) return null;
  const text = rest.join('\n');
  const [named = ''] = /^@[A-Za-z0-9-]+(?:, @[A-Za-z0-9-]+)*(?=: )/.exec(text) ?? [];
  const who = named === '' ? [] : named.split(', ').map((name) => name.slice(1));
  return { key, who, text: text.slice(named === '' ? 0 : named.length + 2) };
}

const mention = (names: readonly string[]) => names.map((name) => `@${name}`).join(', ');

/** Tells those who have not finished, each thing once: what was told stands in the comments. */
export async function remind(
  part: Part,
  pull: ForgePull,
  marker: Pick<PartMarker, 'handled' | 'unanswered'> | null,
  { forge, frozen, base, asOf }: Reminding,
): Promise<boolean> {
  const { organisation } = base;
  const rules = organisation.review.campaigns;
  const asked = pull.createdMs / 1000;
  const owners = reviewersOf('owners', part, organisation);
  const due: { key: string; who: readonly string[]; text: string }[] = [];
  const kind = reminderAt(frozen, rules, { asked, asOf });
  if (kind !== null)
    due.push({
      ...{ key: kind, who: owners },
      text: `the campaign ${frozen.name} ends with ${frozen.due}, and this is still open. Merge it, or decide otherwise by a comment.`,
    });
  const silent = (marker?.handled ?? []).length === 0;
  if (!isOver(frozen, asOf) && silent && (owners.length === 0 || isAbsent(asked, rules, asOf))) {
    const who = reviewersOf('managers', part, organisation);
    const text = `${code(part.owner)} has not said anything yet. You are asked in their place: who they report to.`;
    if (who.length > 0) due.push({ key: 'managers', who, text });
  }
  if (marker?.unanswered !== undefined) {
    const text = `nobody has answered by ${frozen.due}. This now says what \`pull_requests.no_response\` in \`grants/review.yaml\` makes of that, and asks those who answer for the APIs.`;
    due.push({ key: 'unanswered', who: reviewersOf('api-owners', part, organisation), text });
  }
  if (due.length === 0) return false;
  const said = (await forge.comments(pull.number)).map(({ body }) => body);
  const left = due.filter(({ key }) => !said.some((body) => body.startsWith(mark(key))));
  let told = false;
  for (const { key, who, text } of left) {
    if (key === 'managers' && (await forge.isApproved(pull.number))) continue;
    // First, for who is asked twice is asked once.
    if (key === 'managers' || key === 'unanswered') await askAll(forge, pull.number, who);
    told = true;
    await forge.comment(pull.number, `${mark(key)}\n${who.length === 0 ? '' : `${mention(who)}: `}${text}`);
  }
  return told;
}
