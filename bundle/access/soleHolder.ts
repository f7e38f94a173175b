import type { Organisation } from '../grants/organisation.ts';
import { peopleBehind } from './peopleBehind.ts';

/**
 * Whose own access a principal's is: the person or service itself, or the only one of a group, who is no better judge of it.
 * Null for a group of several, or of nobody.
 */
export function soleHolder(
  principal: string,
  organisation: Pick<Organisation, 'memberships'>,
): string | null {
  const [one, another] = peopleBehind(principal, organisation);
  return another === undefined ? (one ?? null) : null;
}
