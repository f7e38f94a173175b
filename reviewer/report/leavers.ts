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
  for (const { commit, at, changes } of commits.reverse()) {
    if (at < from || at >= to) continue;
    for (const { path, old, new: now } of changes) {
      if (path.endsWith('/services.yaml') || old === null) continue;
      const blobs = await readBlobs(tree.root, [old, ...(now === null ? [] : [now])]);
      const [was, is] = [read(blobs.get(old)), read(now === null ? undefined : blobs.get(now))];
      if (was === null) continue;
      const status = new Map(is?.people.map((person) => [fold(person.login), person.status]));
      const toldAt = is === null ? at : startOf(is.synced);
      for (const { login, status: before } of was.people) {
        const after = status.get(fold(login)) ?? 'gone';
        if (before === 'active' && after !== 'active')
          found.push({ login, provider: was.provider, now: after, toldAt, at, commit });
      }
    }
  }
  return found;
}

const read = (bytes: Buffer | undefined): DirectoryFile | null =>
  bytes === undefined ? null : (readDirectory(bytes, '').value ?? null);
