import { firstParentLine } from './firstParentLine.ts';
import { git } from './git.ts';
import type { Tree } from './tree.ts';

/** Merges at which a branch came from another parent than the first, the newest first, each with that one. */
export type Turns = ReadonlyMap<string, string>;

/**
 * Finds where a branch, up to a tree's commit, did not come along first parents, by commits that it was seen at. Whoever merges the
 * branch into their own and pushes that (`git pull`, `git push`) makes its past the second parent. No commit is believed
 * to have been the branch that lies beside another which first parents lead to and which was seen: it is of some other
 * branch, which was merged. Throws GitError.
 */
export async function turnsOf(
  { root, revision }: Pick<Tree, 'root' | 'revision'>,
  seen: ReadonlySet<string>,
): Promise<Turns> {
  const turns = new Map<string, string>();
  if (revision === null) return turns;
  const line = new Set(await firstParentLine(root, revision));
  if ([...seen].every((commit) => line.has(commit))) return turns;
  const listing = await git(root, ['rev-list', '--parents', '--topo-order', revision, '--']);
  const rows = listing.toString().split('\n').slice(0, -1);
  const parents = new Map(
    rows.map((row) => {
      const [commit = '', ...of] = row.split(' ');
      return [commit, of] as const;
    }),
  );
  const commits = [...parents.keys()];
  const seenOnLine = commits.filter((commit) => line.has(commit) && seen.has(commit));
  let at = revision;
  for (const commit of commits) {
    if (!seen.has(commit) || line.has(commit)) continue;
    const after = withAfter(commit, commits, parents);
    if (!after.has(at)) continue;
    const before = withBefore(commit, parents);
    if (!seenOnLine.every((one) => after.has(one) || before.has(one))) continue;
    while (at !== commit) {
      const of = parents.get(at) ?? [];
      const next = of.find((parent) => after.has(parent)) ?? commit;
      if (next !== of[0]) turns.set(at, next);
      at = next;
    }
    // From here on the branch went along first parents again, as far as was seen.
    for (let one: string | undefined = commit; one !== undefined; one = parents.get(one)?.[0]) line.add(one);
  }
  return turns;
}

/** A commit and those that build on it; `commits`: none before what builds on it. */
function withAfter(
  commit: string,
  commits: readonly string[],
  parents: ReadonlyMap<string, readonly string[]>,
): ReadonlySet<string> {
  const found = new Set([commit]);
  for (let index = commits.length - 1; index >= 0; index -= 1) {
    const one = commits[index] ?? '';
    if (parents.get(one)?.some((parent) => found.has(parent))) found.add(one);
  }
  return found;
}

/** What a commit builds on. */
function withBefore(commit: string, parents: ReadonlyMap<string, readonly string[]>): ReadonlySet<string> {
  const found = new Set<string>();
  const left = [...(parents.get(commit) ?? [])];
  for (let one = left.pop(); one !== undefined; one = left.pop()) {
    if (found.has(one)) continue;
    found.add(one);
    left.push(...(parents.get(one) ?? []));
  }
  return found;
}
