import { git, resolveCommit } from '../../../bundle/git/git.ts';
import { GitError } from '../../../bundle/git/gitError.ts';
import type { Tree } from '../../../bundle/git/tree.ts';
import { readAccess } from '../../../bundle/grants/readGrants.ts';

/** A grant as a commit has it. */
export type GrantAt = { id: string; file: string; line: number; text: string };

/**
 * Where grants stand in a commit, by Git's own search, for all of a large repository takes long to read. Null where this
 * clone does not have the commit; a grant that is not found is left out. Throws GitError.
 */
export async function grantsAt(
  { root, within }: Tree,
  revision: string,
  grants: readonly string[],
): Promise<GrantAt[] | null> {
  if (!/^[0-9a-f]{40}$/.test(revision)) return null;
  try {
    await resolveCommit(root, revision);
  } catch (error) {
    if (error instanceof GitError && error.code === 'git-revision') return null;
    throw error;
  }
  if (grants.length === 0) return [];
  const named = grants.flatMap((id) => ['-e', id]);
  const folder = `${within}grants/access`;
  const listing = await git(root, [
    ...['grep', '--files-with-matches', '-z', '--fixed-strings', '--full-name', ...named, revision, '--'],
    `:(top)${folder}`,
  ]).catch(noneFound);
  const found: GrantAt[] = [];
  for (const name of listing.toString().split('\0')) {
    const path = name.slice(revision.length + 1);
    if (path === '') continue;
    const bytes = await git(root, ['cat-file', 'blob', `${revision}:${path}`]);
    const { entries, places } = readAccess(bytes, path.slice(within.length), '');
    for (const { index, entry } of entries) {
      if (!grants.includes(entry.id)) continue;
      const { line, start, end } = places.nearest([index]);
      const text = bytes.toString('utf8').slice(start, end);
      found.push({ id: entry.id, file: path.slice(within.length), line, text });
    }
  }
  return found;
}

/** Git's search fails without a word where it finds nothing; whatever else keeps it from searching it says. */
function noneFound(error: unknown): Buffer {
  const isNone = error instanceof GitError && error.code === 'git-failed' && error.cause === undefined;
  if (isNone && error.complaint === '') return Buffer.alloc(0);
  throw error;
}
