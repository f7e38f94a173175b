import type { FileChange } from '../../bundle/git/fileChanges.ts';
import type { Organisation } from '../../bundle/grants/organisation.ts';
import { readAccess } from '../../bundle/grants/readGrants.ts';
import type { GrantEntry } from '../../bundle/grants/schema.ts';

/** The grants of the access files that a commit changed, by id, as they were before it or after. */
export function entriesOf(
  changes: readonly FileChange[],
  side: 'old' | 'new',
  blobs: ReadonlyMap<string, Buffer>,
): Map<string, GrantEntry> {
  const found = new Map<string, GrantEntry>();
  for (const { path, [side]: id } of changes) {
    const bytes = id === null ? undefined : blobs.get(id);
    if (bytes === undefined) continue;
    for (const { entry } of readAccess(bytes, path, '').entries) found.set(entry.id, entry);
  }
  return found;
}

/** What a grant of any time covers, by the roles of today; null for a role that is no more. */
export const coversOf = (
  { api, role, operations }: GrantEntry,
  { apis }: Pick<Organisation, 'apis'>,
): readonly string[] | null => operations ?? apis.get(api)?.roles.get(role ?? '') ?? null;
