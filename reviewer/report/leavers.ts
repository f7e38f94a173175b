import { readAccounts } from '../../bundle/directory/readAccounts.ts';
import { fileChanges } from '../../bundle/git/fileChanges.ts';
import { readBlobs } from '../../bundle/git/git.ts';
import type { Tree } from '../../bundle/git/tree.ts';
import { startOf } from '../../bundle/grants/dates.ts';
import { fold } from '../../bundle/grants/names.ts';
import { readDirectory } from '../../bundle/grants/readGrants.ts';
import type { DirectoryFile } from '../../bundle/grants/schema.ts';
import type { Period } from './grantChanges.ts';

/** Somebody whose account ended, or was suspended. */
export type Leaver = {
  login: string;
  provider: string;
  now: 'suspended' | 'deprovisioned' | 'gone';
  /** When the provider was read that said so, seconds since 1970. */
  toldAt: number;
  /** When that took effect on the branch. */
  at: number;
  commit: string;
};

/** Everybody who was active and is not any more, as the branch learned it in a period, oldest first. Throws GitError. */
export async function leavers(tree: Tree, { from, to }: Period): Promise<Leaver[]> {
  if (tree.revision === null) return [];
  const commits = await fileChanges(tree.root, tree.revision, {
    ...{ paths: ['grants/directory'], within: tree.within, since: from },
  });
  const found: Leaver[] = [];
  // What one commit left is what the next one finds: each file is read once.
  const standings = new Map<string, Standing | null>();
  for (const { commit, at, changes } of commits.reverse()) {
    if (at < from || at >= to) continue;
    for (const { path, old, new: id } of changes) {
      if (path.endsWith('/services.yaml')) continue;
      const blobs = await readBlobs(tree.root, [
        ...(standings.has(path) || old === null ? [] : [old]),
        ...(id === null ? [] : [id]),
      ]);
      const was = standings.get(path) ?? read(old === null ? undefined : blobs.get(old));
      const is = read(id === null ? undefined : blobs.get(id));
      // What cannot be read never took effect, so nobody left by it.
      if (is === null && id !== null) {
        standings.set(path, was);
        continue;
      }
      standings.set(path, is === null || was === null ? is : withUnseen(was, is));
      // Read before it took effect; what was changed by hand says itself when that was.
      const isRead = is !== null && (was === null || startOf(is.synced) > startOf(was.synced));
      const toldAt = isRead ? Math.min(startOf(is.synced), at) : at;
      for (const [name, { login, status: before }] of was?.people ?? []) {
        const after = is?.people.get(name)?.status ?? (is?.complete === false ? before : 'gone');
        if (before === 'active' && after !== 'active')
          found.push({ login, provider: was?.provider ?? '', now: after, toldAt, at, commit });
      }
    }
  }
  return found;
}

type Status = DirectoryFile['people'][number]['status'];
type Standing = Pick<DirectoryFile, 'provider' | 'synced' | 'complete'> & {
  /** By folded login. */
  people: ReadonlyMap<string, { login: string; status: Status }>;
};

/** A read that was cut short says nothing of those it does not name: they are as they were. */
const withUnseen = (was: Standing, is: Standing): Standing =>
  is.complete ? is : { ...is, people: new Map([...was.people, ...is.people]) };

function read(bytes: Buffer | undefined): Standing | null {
  if (bytes === undefined) return null;
  const file = readAccounts(bytes) ?? readDirectory(bytes, '').value;
  if (file === undefined) return null;
  const people = file.people.map(({ login, status }) => [fold(login), { login, status }] as const);
  const { provider, synced, complete } = file;
  return { provider, synced, complete, people: new Map(people) };
}
