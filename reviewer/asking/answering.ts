import { personOf } from '../../bundle/access/accountStatus.ts';
import { peopleBehind } from '../../bundle/access/peopleBehind.ts';
import { soleHolders } from '../../bundle/access/soleHolder.ts';
import { fold } from '../../bundle/grants/names.ts';
import type { Organisation } from '../../bundle/grants/organisation.ts';
import { forgeName } from './forgeName.ts';

/** What is asked: of the access to which APIs, and who answers for it. */
export type Asked = { owner: string; entries: readonly { principal: string; api: string }[] };

/** `owners`: the people behind the owner; `managers`: whom those report to; `api-owners`: who answers for the APIs. */
export type Who = 'owners' | 'managers' | 'api-owners';

type Directory = Pick<Organisation, 'people' | 'services' | 'memberships' | 'apis'>;

/** The principals who answer, in the order of their names. Nobody is asked about access that is theirs alone. */
export function answering(who: Who, { owner, entries }: Asked, organisation: Directory): string[] {
  const holders = soleHolders(
    entries.map(({ principal }) => principal),
    organisation,
  );
  const judged = new Set([...holders].map(fold));
  return [...new Set(everybody(who, { owner, entries }, organisation))].filter(
    (one) => !judged.has(fold(one)),
  );
}

function everybody(who: Who, { owner, entries }: Asked, organisation: Directory): string[] {
  const owners = peopleBehind(owner, organisation);
  switch (who) {
    case 'owners':
      return owners;
    case 'managers':
      return owners
        .flatMap((one) => personOf(one, organisation)?.manager ?? [])
        .map((login) => `user:${login}`)
        .filter((one) => !owners.includes(one));
    case 'api-owners': {
      const apis = new Set(entries.map(({ api }) => api));
      return [...new Set([...apis].flatMap((api) => organisation.apis.get(api)?.owner ?? []))].flatMap(
        (one) => peopleBehind(one, organisation),
      );
    }
    default:
      who satisfies never;
      return [];
  }
}

/** The principals who may answer in an owner's place, as they are asked where the owner is absent or silent. */
export const answeringInPlace = (asked: Asked, organisation: Directory): string[] =>
  (['managers', 'api-owners'] as const).flatMap((who) => answering(who, asked, organisation));

/** What the forge calls those of whom it knows that, each once. */
export const namesOf = (
  principals: readonly string[],
  organisation: Pick<Organisation, 'people'>,
): string[] => [...new Set(principals.flatMap((principal) => forgeName(principal, organisation) ?? []))];

/**
 * Who is asked from the start, by the forge's names: the owner's people; where none of them can be asked, whom they report
 * to; else who answers for the APIs. `owners` and nobody, where there is nobody at all.
 */
export function askedFirst(asked: Asked, organisation: Directory): { who: Who; names: string[] } {
  for (const who of ['owners', 'managers', 'api-owners'] as const) {
    const names = namesOf(answering(who, asked, organisation), organisation);
    if (names.length > 0) return { who, names };
  }
  return { who: 'owners', names: [] };
}
