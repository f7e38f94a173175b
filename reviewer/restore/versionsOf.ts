import type { Tree } from '../../bundle/git/tree.ts';
import { readAccess } from '../../bundle/grants/readGrants.ts';
import type { GrantEntry } from '../../bundle/grants/schema.ts';
import { readCommits } from '../evidence/commits/readCommits.ts';

/** A grant as one state of the branch had it. */
export type Version = {
  /** What made it so; null for what is on disk and not committed. */
  commit: string | null;
  /** Seconds since 1970. */
  at: number;
  /** Null where it is not there. */
  grant: { entry: GrantEntry; file: string; text: string } | null;
};

/**
 * Every state that a grant has been in along first parents, oldest first; empty for an id that was never there. `asOf`:
 * seconds since 1970, when what is not committed counts as written. Throws GitError, and what reading the tree throws.
 */
export async function versionsOf(tree: Tree, id: string, asOf: number): Promise<Version[]> {
  const versions: Version[] = [];
  for await (const { commit, at, files } of readCommits(tree, asOf)) {
    const last = versions.at(-1)?.grant ?? null;
    let grant = last;
    // One that moved is taken out of one file and put into another by the same commit.
    if (files.some(({ path }) => path === last?.file)) grant = null;
    for (const { path, bytes } of files) {
      if (!path.startsWith('grants/access/') || bytes === null || !bytes.includes(id)) continue;
      const found = readAccess(bytes, path, '').entries.find(({ entry }) => entry.id === id);
      if (found) grant = { entry: found.entry, file: path, text: bytes.toString('utf8') };
    }
    if (grant !== last && (grant !== null || last !== null)) versions.push({ commit, at, grant });
  }
  return versions;
}
