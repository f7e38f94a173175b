import { fold } from '../../bundle/grants/names.ts';
import type { Grant } from '../../bundle/grants/organisation.ts';

export type Fitting = { principal: string; members: number };

/**
 * Who is enough of the group that holds a grant: the smallest other group inside of it with everybody in it who used the
 * grant and could still; where there is none, and it was one person, that person. Null when nobody fewer is.
 */
export function fitPrincipal(
  { principal }: Pick<Grant, 'principal'>,
  subjects: Iterable<string>,
  groups: ReadonlyMap<string, readonly string[]>,
): Fitting | null {
  const all = new Set(groups.get(principal) ?? []);
  const folded = new Map([...all].map((name) => [fold(name), name]));
  const users = [...new Set([...subjects].flatMap((one) => folded.get(fold(one)) ?? []))];
  if (users.length === 0) return null;
  const fitting = [...groups]
    .filter(
      ([name, members]) =>
        name !== principal &&
        members.length < all.size &&
        members.every((member) => all.has(member)) &&
        users.every((user) => members.includes(user)),
    )
    .map(([name, members]) => ({ principal: name, members: members.length }))
    .sort((a, b) => a.members - b.members || (a.principal < b.principal ? -1 : 1));
  const [only] = users;
  if (fitting[0] !== undefined) return fitting[0];
  return only !== undefined && users.length === 1 && all.size > 1 && only.startsWith('user:')
    ? { principal: only, members: 1 }
    : null;
}
