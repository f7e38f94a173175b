import type { FileChange } from '../../bundle/git/fileChanges.ts';
import { readBlobs } from '../../bundle/git/git.ts';
import type { Organisation } from '../../bundle/grants/organisation.ts';
import { readAccess } from '../../bundle/grants/readGrants.ts';
import type { GrantEntry } from '../../bundle/grants/schema.ts';

/** So many blobs are in memory at once, and read by one Git. */
const mostBlobs = 400;

type Entries = ReadonlyMap<string, GrantEntry>;
/** A commit with the grants of the access files that it changed, by id. */
export type EntryChanges<C> = {
  commit: C;
  before: Entries;
  after: Entries;
};

/**
 * Reads what commits made of grants, in their order. One Git reads for many commits, and what one left is what the next
 * found, so that most files are parsed once. Throws GitError.
 */
export async function* entryChanges<C extends { changes: readonly FileChange[] }>(
  root: string,
  commits: readonly C[],
): AsyncGenerator<EntryChanges<C>> {
  const parsed = new Map<string, { id: string; entries: Entries }[]>();
  const entriesIn = (path: string, id: string, bytes: Buffer): Entries => {
    const known = parsed.get(path)?.find((one) => one.id === id);
    if (known !== undefined) return known.entries;
    const entries = new Map(readAccess(bytes, path, '').entries.map(({ entry }) => [entry.id, entry]));
    // Its neighbours along the branch are a commit away, in either direction.
    parsed.set(path, [...(parsed.get(path) ?? []).slice(-1), { id, entries }]);
    return entries;
  };
  const all = (changes: readonly FileChange[], side: 'old' | 'new', blobs: ReadonlyMap<string, Buffer>) => {
    const found = new Map<string, GrantEntry>();
    for (const { path, [side]: id } of changes) {
      const bytes = id === null ? undefined : blobs.get(id);
      if (id === null || bytes === undefined) continue;
      for (const [name, entry] of entriesIn(path, id, bytes)) found.set(name, entry);
    }
    return found;
  };
  for (let next = 0; next < commits.length; ) {
    const some: C[] = [];
    const ids: string[] = [];
    for (let one = commits[next]; one !== undefined; one = commits[++next]) {
      const more = one.changes.flatMap(({ old, new: now }) => [old, now].filter((id) => id !== null));
      if (some.length > 0 && ids.length + more.length > mostBlobs) break;
      some.push(one);
      ids.push(...more);
    }
    const blobs = await readBlobs(root, ids);
    for (const commit of some)
      yield {
        commit,
        before: all(commit.changes, 'old', blobs),
        after: all(commit.changes, 'new', blobs),
      };
    if (parsed.size > mostBlobs) parsed.clear();
  }
}

/** What a grant of any time covers, by the roles of today; null for a role that is no more. */
export const coversToday = (
  { api, role, operations }: GrantEntry,
  { apis }: Pick<Organisation, 'apis'>,
): readonly string[] | null => operations ?? apis.get(api)?.roles.get(role ?? '') ?? null;
