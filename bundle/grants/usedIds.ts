import type { Problem } from '../bundleError.ts';
import { fileChanges } from '../git/fileChanges.ts';
import { readBlobs, resolveCommit } from '../git/git.ts';
import { gitTree } from '../git/tree.ts';
import { problem, show } from '../yaml/problem.ts';
import { load } from './load.ts';
import { fold } from './names.ts';
import { readAccess } from './readGrants.ts';

/** What makes a grant the same grant when its id comes back. */
type Identity = { principal: string; api: string };
type Named = Identity & { id: string; place: Problem | { file: string; line: number; column: number } };

/**
 * Finds grant ids that history says were deleted and that now name a different grant (another principal or API): a
 * decision recorded for the old one would count for the new one. Bringing back the same grant is no problem, nor is
 * moving one between files. Looks back along first parents; a shallow clone is searched as far as it reaches.
 * `grants` are the grants to judge; left out, those of `revision`. Throws GitError.
 */
export async function usedIds(
  repository: string,
  revision: string,
  grants?: readonly Named[],
): Promise<Problem[]> {
  const commit = await resolveCommit(repository, revision);
  const current = grants ?? (await load(await gitTree(repository, commit))).organisation?.grants ?? [];
  const removed = await removals(repository, commit, new Set(current.map(({ id }) => id)));
  return current.flatMap(({ id, place, ...now }) => {
    const other = removed.get(id)?.find((before) => !isSame(now, before));
    if (other === undefined) return [];
    return problem(
      { start: 0, end: 0, ...place },
      'used-id',
      `the grant id ${show(id)} was used before, for ${other.principal} on ${other.api} until commit ${other.commit.slice(0, 12)}, expected a new id`,
    );
  });
}

/** Whether a grant whose id comes back is the same one. */
export const isSame = (now: Identity, before: Identity): boolean =>
  fold(now.principal) === fold(before.principal) && now.api === before.api;

/** A commit that took a grant away. `at`: when it took effect, seconds since 1970. */
export type Removal = Identity & { commit: string; at: number; subject: string };

/** Which commits along first parents took grants of some ids away, the newest first. Throws GitError. */
export async function removals(
  repository: string,
  commit: string,
  wanted: ReadonlySet<string>,
): Promise<Map<string, Removal[]>> {
  const found = new Map<string, Removal[]>();
  if (wanted.size === 0) return found;
  const commits = await fileChanges(repository, commit, { paths: ['grants/access'] });
  const parsed = new Map<string, ReadonlyMap<string, Identity>>();
  /** The wanted grants of a blob. */
  const grantsOf = (id: string | null, blobs: ReadonlyMap<string, Buffer>): ReadonlyMap<string, Identity> => {
    if (id === null) return new Map();
    const known = parsed.get(id);
    if (known) return known;
    const found = new Map<string, Identity>();
    const bytes = blobs.get(id);
    if (bytes)
      for (const { entry } of readAccess(bytes, '', '').entries)
        if (wanted.has(entry.id)) found.set(entry.id, { principal: entry.principal, api: entry.api });
    parsed.set(id, found);
    return found;
  };

  // A bounded number of commits at a time keeps only that many files in memory.
  for (let start = 0; start < commits.length; start += 200) {
    const batch = commits.slice(start, start + 200);
    const ids = batch.flatMap(({ changes }) =>
      changes.flatMap((change) => [change.old ?? [], change.new ?? []].flat()),
    );
    const blobs = await readBlobs(
      repository,
      ids.filter((id) => !parsed.has(id)),
    );
    for (const { commit: by, at, subject, changes } of batch) {
      // An added file alone takes nothing away, and most commits only add.
      if (changes.every(({ old }) => old === null)) continue;
      const kept = new Set(changes.flatMap((change) => [...grantsOf(change.new, blobs).keys()]));
      for (const change of changes)
        for (const [id, before] of grantsOf(change.old, blobs)) {
          if (kept.has(id)) continue;
          found.set(id, [...(found.get(id) ?? []), { ...before, commit: by, at, subject }]);
        }
    }
  }
  return found;
}
