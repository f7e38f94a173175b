import { canonicalJson } from '../../bundle/format/canonicalJson.ts';
import { git, readBlobs } from '../../bundle/git/git.ts';
import type { Tree } from '../../bundle/git/tree.ts';
import type { Grant } from '../../bundle/grants/organisation.ts';
import { readAccess } from '../../bundle/grants/readGrants.ts';
import type { GrantEntry } from '../../bundle/grants/schema.ts';

/** What Git tells of a grant, in seconds since 1970; null where it does not reach back far enough to tell. */
export type GrantHistory = {
  /** When anything of the grant but its review last changed. */
  changedAt: number | null;
  /** Since when it is suspended; null for an active one too. */
  suspendedAt: number | null;
};

/** A state of a grant: what it says, its review aside. */
type State = { text: string; suspended: boolean };
type Commit = { at: number; changes: { before: string; after: string }[] };

const none = /^0+$/;
const isBlob = (id: string) => id !== '' && !none.test(id);

function stateOf({ review: _, ...entry }: GrantEntry): State {
  return { text: canonicalJson(entry), suspended: entry.state === 'suspended' };
}

function currentState({ covers, grantedAt, expiresAt, place, ...entry }: Grant): State {
  void [covers, grantedAt, expiresAt, place];
  return stateOf(entry);
}

/** Changes to access files along first parents, newest first: when something took effect, not when it was written. */
async function commitsOf(tree: Tree, revision: string): Promise<Commit[]> {
  const output = await git(tree.root, [
    ...['-c', 'log.showRoot=true', 'log', '--first-parent', '-m', '--raw', '-z', '--no-abbrev'],
    ...['--no-renames', '--no-color', '--no-show-signature', '--format=%x00commit %ct', revision],
    ...['--', 'grants/access'],
  ]);
  const commits: Commit[] = [];
  for (const field of output.toString().split('\0')) {
    const text = field.trim();
    if (text.startsWith('commit ')) commits.push({ at: Number(text.slice(7)), changes: [] });
    else if (text.startsWith(':')) {
      const [, , before = '', after = ''] = text.split(' ');
      commits.at(-1)?.changes.push({ before, after });
    }
  }
  return commits;
}

/** Finds the wanted grants in blobs, reading each blob once and parsing only those that mention one. */
function createReader(tree: Tree, wanted: ReadonlySet<string>) {
  const known = new Map<string, ReadonlyMap<string, State>>();
  return async (ids: readonly string[]) => {
    const fresh = ids.filter((id) => isBlob(id) && !known.has(id));
    for (const [id, bytes] of await readBlobs(tree.root, fresh)) {
      const states = new Map<string, State>();
      if ([...wanted].some((grant) => bytes.includes(grant)))
        for (const { entry } of readAccess(bytes, '', '').entries)
          if (wanted.has(entry.id)) states.set(entry.id, stateOf(entry));
      known.set(id, states);
    }
    return (id: string) => known.get(id) ?? new Map<string, State>();
  };
}

/**
 * Looks up in Git when the given grants last changed and since when they are suspended. What is not committed yet
 * counts as changed at `asOf`. Throws GitError.
 */
export async function grantHistory(
  tree: Tree,
  grants: readonly Grant[],
  asOf: number,
): Promise<Map<string, GrantHistory>> {
  const histories = new Map(
    grants.map(({ id }) => [id, { changedAt: null, suspendedAt: null } as GrantHistory]),
  );
  if (grants.length === 0 || tree.revision === null) return histories;

  type Search = { now: State; changedAt?: number | null; suspendedAt?: number | null; seen: boolean };
  const searches = new Map<string, Search>(
    grants.map((grant) => [grant.id, { now: currentState(grant), seen: false }]),
  );
  const isDone = ({ now, changedAt, suspendedAt }: Search) =>
    changedAt !== undefined && (suspendedAt !== undefined || !now.suspended);
  const read = createReader(tree, new Set(searches.keys()));
  const commits = await commitsOf(tree, tree.revision);
  for (const [index, { at, changes }] of commits.entries()) {
    const open = [...searches].filter(([, search]) => !isDone(search));
    if (open.length === 0) break;
    const statesOf = await read(changes.flatMap(({ before, after }) => [before, after]));
    // The oldest commit of a shallow clone seems to add everything: it says nothing about when that changed.
    const blind = tree.shallow && index === commits.length - 1;
    for (const [id, search] of open) {
      const find = (side: 'before' | 'after') =>
        changes.map((change) => statesOf(change[side]).get(id)).find((state) => state !== undefined);
      const [before, after] = [find('before'), find('after')];
      if (before === undefined && after === undefined) continue;
      if (!search.seen && after?.text !== search.now.text) search.changedAt ??= asOf;
      if (!search.seen && after?.suspended !== true) search.suspendedAt ??= asOf;
      search.seen = true;
      if (blind) continue;
      if (before?.text !== after?.text) search.changedAt ??= at;
      if (before?.suspended !== true && after?.suspended === true) search.suspendedAt ??= at;
    }
  }
  for (const [id, { now, changedAt, suspendedAt, seen }] of searches) {
    const uncommitted = seen || tree.shallow ? null : asOf;
    histories.set(id, {
      changedAt: changedAt ?? uncommitted,
      suspendedAt: now.suspended ? (suspendedAt ?? uncommitted) : null,
    });
  }
  return histories;
}
