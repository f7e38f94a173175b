import { readAccounts } from '../../bundle/directory/readAccounts.ts';
import { fileChanges } from '../../bundle/git/fileChanges.ts';
import { readBlobs } from '../../bundle/git/git.ts';
import { gitFiles, type Tree } from '../../bundle/git/tree.ts';
import type { Turns } from '../../bundle/git/turnsOf.ts';
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
export async function leavers(tree: Tree, { from, to }: Period, turns: Turns = new Map()): Promise<Leaver[]> {
  if (tree.revision === null) return [];
  const commits = await fileChanges(tree.root, tree.revision, {
    ...{ paths: ['grants/directory'], within: tree.within, since: from, turns },
  });
  const found: Leaver[] = [];
  // What one commit left is what the next one finds: each file is read once.
  const standings = new Map<string, Standing | null>();
  for (const { commit, at, changes } of commits.reverse()) {
    if (at < from || at >= to) continue;
    const gone: Leaver[] = [];
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
      const still = new Set(
        [...(is?.people.values() ?? [])].flatMap(({ id: known, status }) =>
          status === 'active' ? known : [],
        ),
      );
      for (const [name, { login, id: known, status: before }] of was?.people ?? []) {
        const after = is?.people.get(name)?.status ?? (is?.complete === false ? before : 'gone');
        // Under another login it is the same person.
        if (before === 'active' && after !== 'active' && !still.has(known))
          gone.push({ login, provider: was?.provider ?? '', now: after, toldAt, at, commit });
      }
    }
    if (gone.length === 0) continue;
    const elsewhere = await activeAt(commit, tree);
    found.push(...gone.filter(({ login }) => !elsewhere.has(fold(login))));
  }
  return found;
}

/** Who is active by any provider at a commit, by folded login: who moved from one to another has not left. */
async function activeAt(commit: string, { root, within }: Tree): Promise<ReadonlySet<string>> {
  const files = gitFiles(root, commit, within);
  const paths = (await files.list()).filter(
    (path) => path.startsWith('grants/directory/') && !path.endsWith('/services.yaml'),
  );
  const active = new Set<string>();
  for (const bytes of (await files.read(paths)).values())
    for (const [name, { status }] of read(bytes)?.people ?? []) if (status === 'active') active.add(name);
  return active;
}

type Status = DirectoryFile['people'][number]['status'];
type Standing = Pick<DirectoryFile, 'provider' | 'synced' | 'complete'> & {
  /** By folded login. */
  people: ReadonlyMap<string, { login: string; id: string; status: Status }>;
};

/** A read that was cut short says nothing of those it does not name: they are as they were. */
const withUnseen = (was: Standing, is: Standing): Standing =>
  is.complete ? is : { ...is, people: new Map([...was.people, ...is.people]) };

function read(bytes: Buffer | undefined): Standing | null {
  if (bytes === undefined) return null;
  const file = readAccounts(bytes) ?? readDirectory(bytes, '').value;
  if (file === undefined) return null;
  const people = file.people.map(({ login, id, status }) => [fold(login), { login, id, status }] as const);
  const { provider, synced, complete } = file;
  return { provider, synced, complete, people: new Map(people) };
}
