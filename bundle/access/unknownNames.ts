import type { Problem } from '../bundleError.ts';
import type { Organisation } from '../grants/organisation.ts';
import { nearMiss } from '../yaml/nearMiss.ts';
import type { Place } from '../yaml/places.ts';
import { problem, show, sortProblems } from '../yaml/problem.ts';

/** Looking through a large directory for a name like another takes time, and nobody reads a thousand of them. */
const mostSuggestions = 50;

/**
 * Finds people and groups that are granted something or own something and that no directory knows: a slip of the pen
 * gives nobody anything, or waits for a namesake. Where there is no directory at all, groups come with tokens, and
 * nothing is said.
 */
export function unknownNames(organisation: Organisation): Problem[] {
  const { apis, grants, services, people, groups, directories } = organisation;
  if (directories.length === 0) return [];
  const warnings: Problem[] = [];
  const hints = new Map<string, string>();
  const hint = (principal: string): string => {
    const kind = principal.slice(0, principal.indexOf(':'));
    const name = principal.slice(kind.length + 1);
    if (kind === 'user' && groups.has(name)) return ` (did you mean ${show(`group:${name}`)}?)`;
    if (kind === 'group' && people.has(name)) return ` (did you mean ${show(`user:${name}`)}?)`;
    if (hints.size >= mostSuggestions) return '';
    return nearMiss(name, (kind === 'group' ? groups : people).keys(), 2);
  };
  const tell = (place: Place | string, code: string, principal: string, what: string) => {
    const name = principal.slice(principal.indexOf(':') + 1);
    const known = principal.startsWith('group:') ? groups : principal.startsWith('user:') ? people : services;
    if (known.has(name)) return;
    const found = hints.get(principal) ?? hint(principal);
    hints.set(principal, found);
    warnings.push(problem(place, code, `${what} ${show(principal)} is known to no directory${found}`));
  };
  for (const { place, id, principal, owner } of grants) {
    tell(place, 'unknown-principal', principal, `the principal of ${show(id)},`);
    tell(place, 'unknown-owner', owner, `the owner of ${show(id)},`);
  }
  for (const { place, name, owner } of apis.values())
    tell(place, 'unknown-owner', owner, `the owner of the API ${show(name)},`);
  for (const { name, owner } of services.values())
    tell('grants/directory/services.yaml', 'unknown-owner', owner, `the owner of the service ${show(name)},`);
  return sortProblems(warnings);
}
