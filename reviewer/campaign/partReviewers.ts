import { personOf } from '../../bundle/access/accountStatus.ts';
import { peopleBehind } from '../../bundle/access/peopleBehind.ts';
import { soleHolders } from '../../bundle/access/soleHolder.ts';
import { fold } from '../../bundle/grants/names.ts';
import type { Organisation } from '../../bundle/grants/organisation.ts';
import type { Forge } from '../forge/forge.ts';
import { optional } from '../pulls/announce.ts';
import { principalOf } from '../pulls/commands/permission.ts';
import { forgeName } from '../pulls/people.ts';
import type { Part } from './rows.ts';

const mostAsked = 5;

/** Whether the tier of one of the grants asks for two people. */
export const needsSecond = ({ entries }: Part, { review }: Pick<Organisation, 'review'>): boolean =>
  entries.some(({ tier }) => review.campaigns.second_approver.includes(tier));

/** Nobody is asked about access of their own alone. */
const notTheirs = ({ entries }: Part, organisation: Pick<Organisation, 'memberships'>) => {
  const principals = entries.map(({ principal }) => principal);
  const holders = new Set([...soleHolders(principals, organisation)].map(fold));
  return (person: string) => !holders.has(fold(person));
};

/** Those who answer: the people behind the owner. */
const ownersOf = (part: Part, organisation: Organisation) =>
  peopleBehind(part.owner, organisation).filter(notTheirs(part, organisation));

/** Those who answer for the APIs of the grants. */
const apiOwnersOf = (part: Part, organisation: Organisation, tiers?: readonly string[]) =>
  [
    ...new Set(
      part.entries
        .filter(({ tier }) => tiers?.includes(tier) ?? true)
        .flatMap(({ api }) => organisation.apis.get(api)?.owner ?? []),
    ),
  ]
    .flatMap((owner) => peopleBehind(owner, organisation))
    .filter(notTheirs(part, organisation));

/** Whom those report to who answer, and who are not asked already. */
function managersOf(part: Part, organisation: Organisation): string[] {
  const asked = peopleBehind(part.owner, organisation);
  const managers = asked.flatMap((principal) => {
    const manager = personOf(principal, organisation)?.manager;
    return manager === undefined ? [] : [`user:${manager}`];
  });
  return [...new Set(managers)].filter((one) => !asked.includes(one)).filter(notTheirs(part, organisation));
}

export type Who = 'owners' | 'managers' | 'api-owners';

/** The forge's names of whom a part asks; few enough to feel asked. */
export function reviewersOf(who: Who, part: Part, organisation: Organisation): string[] {
  const { second_approver } = organisation.review.campaigns;
  const principals =
    who === 'managers'
      ? managersOf(part, organisation)
      : who === 'api-owners'
        ? apiOwnersOf(part, organisation)
        : [
            ...ownersOf(part, organisation).slice(0, mostAsked),
            ...apiOwnersOf(part, organisation, second_approver).slice(0, 2),
          ];
  const names = principals.flatMap((principal) => forgeName(principal, organisation) ?? []);
  return [...new Set(names)].slice(0, mostAsked + 2);
}

/** One name that cannot be asked refuses them all, so then each is asked alone. */
export async function askAll(forge: Forge, number: number, names: readonly string[]): Promise<void> {
  if (names.length === 0) return;
  if (await optional(() => forge.requestReviewers(number, { people: names, teams: [] }))) return;
  if (names.length === 1) return;
  for (const name of names)
    await optional(() => forge.requestReviewers(number, { people: [name], teams: [] }));
}

/**
 * Of some logins those whose approval counts: active people of the directory who answer for the owner, the APIs, or those
 * who do, and whose own access is not in question.
 */
export function countedApprovers(
  logins: readonly string[],
  part: Part,
  organisation: Organisation,
): string[] {
  const may = new Set([
    ...ownersOf(part, organisation),
    ...apiOwnersOf(part, organisation),
    ...managersOf(part, organisation),
  ]);
  const known = logins.flatMap((login) => principalOf(login, organisation) ?? []);
  return [...new Set(known)].filter((principal) => may.has(principal));
}
