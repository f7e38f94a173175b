import { peopleBehind } from '../../bundle/access/peopleBehind.ts';
import type { Organisation } from '../../bundle/grants/organisation.ts';
import { type Asked, answeringInPlace, namesOf } from './answering.ts';

/**
 * Tells of the forge's names whether they are of somebody behind an owner; and, with `entries`, of those who may answer in
 * the owner's place.
 */
export function answersFor(
  owner: string,
  organisation: Pick<Organisation, 'people' | 'services' | 'memberships' | 'apis'>,
  entries: Asked['entries'] = [],
): (login: string) => boolean {
  const inPlace = entries.length === 0 ? [] : answeringInPlace({ owner, entries }, organisation);
  const names = new Set(
    namesOf([...peopleBehind(owner, organisation), ...inPlace], organisation).map((name) =>
      name.toLowerCase(),
    ),
  );
  return (login) => names.has(login.toLowerCase());
}
