import { git } from '../../../bundle/git/git.ts';
import type { Tree } from '../../../bundle/git/tree.ts';
import { createBlobReader } from './blobReader.ts';
import { commitLog, inOrder, isBlob, type LoggedCommit } from './commitLog.ts';
import { type Side, sideLines } from './sideLines.ts';

/** What a commit on a branch that was merged did to a file; null where it is not there. */
export type AsideChange = { path: string; before: Buffer | null; after: Buffer | null };

/** A commit on a branch that was merged, whose files left no trace along first parents. */
export type Aside = Side & { files: readonly AsideChange[] };

/**
 * What merged branches hide, in the order in which they were merged, each oldest first. Whoever merges the enforced branch
 * into their own and pushes that makes what was enforced meanwhile a side branch: a grant that was taken and given back
 * there is as it was, and looks as if nobody had ever wanted it; so does an account that was paused. `log`: along first parents. Throws GitError.
 */
export async function* readAsides(
  tree: Tree,
  asOf: number,
  log: Promise<readonly LoggedCommit[]>,
): AsyncGenerator<Aside> {
  const { revision } = tree;
  if (revision === null || !tree.merges) return;
  const along = await log;
  const merges = await git(tree.root, ['rev-list', '--first-parent', '--merges', revision, '--']);
  const line = new Set([...along.map(({ commit }) => commit), ...merges.toString().split('\n')]);
  const all = await commitLog(tree, [
    ...['--full-history', '--parents', '--topo-order', '--diff-merges=first-parent', revision],
  ]);
  const states = new Map<string, number>();
  const moved = new Map<string, number[]>();
  for (const { at, changes } of inOrder(along, asOf))
    for (const { path, id } of changes) {
      states.set(`${id} ${path}`, at);
      const known = moved.get(path);
      if (known === undefined) moved.set(path, [at]);
      else known.push(at);
    }
  // What the line had sooner, or made something else of meanwhile, hides what really was.
  const isHidden = ({ path, id }: { path: string; id: string }, { at, forkedAt, mergedAt }: Side) =>
    (states.get(`${id} ${path}`) ?? Number.NEGATIVE_INFINITY) < at ||
    isAnyBetween(moved.get(path) ?? [], forkedAt, mergedAt);
  const sides = sideLines(all, line, asOf);
  const beside = all.flatMap(({ commit, changes }) => {
    const side = sides.get(commit);
    return side === undefined ? [] : [{ side, changes }];
  });
  const hidden = new Set(
    beside.flatMap(({ side, changes }) =>
      changes.filter((one) => isHidden(one, side)).map(({ path }) => path),
    ),
  );
  const order = new Map(all.map(({ commit }, index) => [commit, index]));
  const isDirectory = (path: string) => path.startsWith('grants/directory/');
  const asides = beside
    .map(({ side, changes }) => ({
      side,
      files: changes.filter((one) => hidden.has(one.path) && (!isDirectory(one.path) || isHidden(one, side))),
    }))
    .filter(({ files }) => files.length > 0)
    .sort((a, b) => (order.get(a.side.merge) ?? 0) - (order.get(b.side.merge) ?? 0));
  const ids = asides.flatMap(({ files }) => files.flatMap(({ before, id }) => [before, id]));
  const reader = await createBlobReader(tree, ids.filter(isBlob));
  const take = async (id: string) => (isBlob(id) ? reader.take(id) : null);
  try {
    for (const { side, files } of asides) {
      const read: AsideChange[] = [];
      for (const { path, before, id } of files)
        read.push({ path, before: await take(before), after: await take(id) });
      yield { ...side, files: read };
    }
  } finally {
    await reader.close();
  }
}

/** Whether one of some instants, the earliest first, lies between two others. */
function isAnyBetween(instants: readonly number[], after: number, before: number): boolean {
  let [low, high] = [0, instants.length];
  while (low < high) {
    const middle = (low + high) >>> 1;
    if ((instants[middle] ?? before) > after) high = middle;
    else low = middle + 1;
  }
  return (instants[low] ?? before) < before;
}
