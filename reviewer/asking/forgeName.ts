import { personOf } from '../../bundle/access/accountStatus.ts';
import type { Organisation } from '../../bundle/grants/organisation.ts';

/** What the forge calls a person of the directory; null where nobody says, and for whoever is not active. */
export function forgeName(principal: string, { people }: Pick<Organisation, 'people'>): string | null {
  const person = personOf(principal, { people });
  if (person?.status !== 'active') return null;
  const name = person.github ?? (person.provider === 'github' ? person.login : null);
  // Whatever else a directory holds there would be a mention of others.
  return name !== null && /^[A-Za-z0-9][A-Za-z0-9_-]*$/.test(name) ? name : null;
}
