import { counted } from '../../bundle/format/counted.ts';
import type { ProviderRead } from './providers/directory.ts';
import type { ProviderConfig } from './providers/syncConfig.ts';
import { takenOf } from './select.ts';

/**
 * What a credential that may read only a part would look like, and a provider that tells no members (AWS's SCIM lists
 * groups with none): nothing is wrong by it, and the operator should know.
 */
export function doubtsOf(read: ProviderRead, { groups: patterns }: Pick<ProviderConfig, 'groups'>): string[] {
  const taken = takenOf(read, patterns);
  const known = new Set(read.people.map(({ id }) => id));
  const unknown = new Set(taken.flatMap(({ people }) => people.filter((id) => !known.has(id))));
  const empty = taken.length > 0 && taken.every(({ people, groups }) => people.length + groups.length === 0);
  return [
    ...(unknown.size > 0
      ? [
          `${counted(unknown.size, 'member')} of groups ${unknown.size === 1 ? 'is' : 'are'} not among the people that are listed, and left out; may the credential see everybody?`,
        ]
      : []),
    ...(empty
      ? [
          'no group that is taken has a member; does the provider list members, and may the credential see them?',
        ]
      : []),
  ];
}
