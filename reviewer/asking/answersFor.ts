import { peopleBehind } from '../../bundle/access/peopleBehind.ts';
import { soleHolder } from '../../bundle/access/soleHolder.ts';
import { fold } from '../../bundle/grants/names.ts';
import type { Organisation } from '../../bundle/grants/organisation.ts';
import { type Asked, answeringInPlace, namesOf } from './answering.ts';

/**
 * Tells of the forge's names whether they are of somebody behind an owner; and, with `entries`, of those who may answer in
 * the owner's place, and not of whom all of it is the own access of: nobody holds up what would take theirs.
 */
export function answersFor(
  owner: string,
  organisation: Pick<Organisation, 'people' | 'services' | 'memberships' | 'apis'>,
  entries: Asked['entries'] = [],
): (login: string) => boolean {
  const inPlace = entries.length === 0 ? [] : answeringInPlace({ owner, entries }, organisation);
  const holder = onlyHolder(entries, organisation);
  const owners = peopleBehind(owner, organisation).filter((one) => fold(one) !== holder);
  const names = new Set(namesOf([...owners, ...inPlace], organisation).map((name) => name.toLowerCase()));
  return (login) => names.has(login.toLowerCase());
}

/** Whose own access all of it is, folded; null where it is that of several, or of nobody alone. */
function onlyHolder(
  entries: Asked['entries'],
  organisation: Pick<Organisation, 'people' | 'services' | 'memberships'>,
): string | null {
  let only: string | null = null;
  for (const principal of new Set(entries.map((entry) => entry.principal))) {
    const holder = soleHolder(principal, organisation);
    if (holder === null || (only !== null && fold(holder) !== only)) return null;
    only = fold(holder);
  }
  return only;
}
