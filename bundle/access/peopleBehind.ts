import type { Organisation } from '../grants/organisation.ts';

/** The people behind an owner: themselves, or the members of their group, services too, sorted. */
export function peopleBehind(owner: string, { memberships }: Pick<Organisation, 'memberships'>): string[] {
  if (!owner.startsWith('group:')) return [owner];
  return [...memberships]
    .filter(([, groups]) => groups.includes(owner))
    .map(([principal]) => principal)
    .sort();
}
