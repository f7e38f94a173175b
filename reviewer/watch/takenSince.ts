import type { FileChange } from '../../bundle/git/fileChanges.ts';
import type { Tree } from '../../bundle/git/tree.ts';
import type { Organisation } from '../../bundle/grants/organisation.ts';
import { isBlob, type LoggedCommit } from '../evidence/commits/commitLog.ts';
import { coversToday, entryChanges } from '../evidence/entryChanges.ts';

/** What a commit took away and nothing has given back. */
export type Taken = {
  grant: string;
  principal: string;
  api: string;
  /** What it covered and does not any more, sorted. */
  operations: readonly string[];
  commit: string;
  /** Seconds since 1970. */
  at: number;
  /** The first line of the commit's message. */
  subject: string;
  how: 'removed' | 'suspended' | 'narrowed';
};

const accessChange = ({ path, before, id }: LoggedCommit['changes'][number]): FileChange[] =>
  path.startsWith('grants/access/')
    ? [{ path, old: isBlob(before) ? before : null, new: isBlob(id) ? id : null }]
    : [];

/**
 * Grants that commits since an instant (seconds since 1970) removed, suspended or narrowed along first parents, each by
 * the last time, sorted by grant. One that had ended by itself was not taken. `log`: the tree's, along first parents,
 * oldest first. Throws GitError.
 */
export async function takenSince(
  { root }: Pick<Tree, 'root'>,
  log: readonly LoggedCommit[],
  organisation: Pick<Organisation, 'apis' | 'grants'>,
  since: number,
): Promise<Taken[]> {
  const current = new Map(organisation.grants.map((grant) => [grant.id, grant]));
  const found = new Map<string, Taken>();
  const late = log
    .filter(({ at }) => at >= since)
    .map((made) => ({ ...made, changes: made.changes.flatMap(accessChange) }))
    .reverse();
  for await (const { commit: made, before, after } of entryChanges(root, late)) {
    const { commit, at, subject } = made;
    for (const [id, was] of before) {
      if (found.has(id) || was.state === 'suspended') continue;
      const is = after.get(id) ?? null;
      const now = current.get(id);
      const held = now !== undefined && now.state === 'active' ? now.covers : [];
      const covered = is === null || is.state === 'suspended' ? [] : (coversToday(is, organisation) ?? []);
      const operations = (coversToday(was, organisation) ?? []).filter(
        (operation) => !covered.includes(operation) && !held.includes(operation),
      );
      if (operations.length === 0) continue;
      const how = is === null ? 'removed' : is.state === 'suspended' ? 'suspended' : 'narrowed';
      const { principal, api } = was;
      found.set(id, { grant: id, principal, api, operations: operations.sort(), commit, at, subject, how });
    }
  }
  return [...found.values()].sort((a, b) => (a.grant < b.grant ? -1 : 1));
}
