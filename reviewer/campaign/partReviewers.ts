import type { Organisation } from '../../bundle/grants/organisation.ts';
import { answering, askedFirst, namesOf } from '../asking/answering.ts';
import { principalOf } from '../pulls/commands/permission.ts';
import type { Part } from './rows.ts';

/** Few enough to feel asked. */
const mostAsked = 5;
const mostSecond = 2;

/** Whether the tier of one of the grants asks for two people. */
export const needsSecond = ({ entries }: Part, { review }: Pick<Organisation, 'review'>): boolean =>
  entries.some(({ tier }) => review.campaigns.second_approver.includes(tier));

/** The forge's names of whom a part asks: who answers for it, or in their place, and those who approve beside them. */
export function reviewersOf(part: Part, organisation: Organisation): string[] {
  const { second_approver } = organisation.review.campaigns;
  const entries = part.entries.filter(({ tier }) => second_approver.includes(tier));
  const first = askedFirst(part, organisation).names.slice(0, mostAsked);
  // Whoever's own access is in another grant of the part is none, either.
  const second = new Set(answering('api-owners', { ...part, entries }, organisation));
  const beside = answering('api-owners', part, organisation).filter((one) => second.has(one));
  return [...new Set([...first, ...namesOf(beside, organisation).slice(0, mostSecond)])];
}

/** So many are asked in the place of others. */
export const mostOthers = mostAsked + mostSecond;
/** The forge's names of those who answer for the APIs. */
export const apiOwnersOf = (part: Part, organisation: Organisation): string[] =>
  namesOf(answering('api-owners', part, organisation), organisation).slice(0, mostOthers);

/**
 * Of some logins those whose approval counts: active people of the directory who answer for the owner, the APIs, or those
 * who do, and whose own access is not in question.
 */
export function countedApprovers(
  logins: readonly string[],
  part: Part,
  organisation: Organisation,
): string[] {
  const may = new Set(
    (['owners', 'api-owners', 'managers'] as const).flatMap((who) => answering(who, part, organisation)),
  );
  const known = logins.flatMap((login) => principalOf(login, organisation) ?? []);
  return [...new Set(known)].filter((principal) => may.has(principal));
}
