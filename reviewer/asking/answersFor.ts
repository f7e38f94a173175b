import { peopleBehind } from '../../bundle/access/peopleBehind.ts';
import type { Organisation } from '../../bundle/grants/organisation.ts';
import { namesOf } from './answering.ts';

/** Tells of the forge's names whether they are of somebody behind an owner. */
export function answersFor(
  owner: string,
  organisation: Pick<Organisation, 'people' | 'memberships'>,
): (login: string) => boolean {
  const names = new Set(
    namesOf(peopleBehind(owner, organisation), organisation).map((name) => name.toLowerCase()),
  );
  return (login) => names.has(login.toLowerCase());
}
