import { createHash } from 'node:crypto';
import { git, streamBlobs } from '../../bundle/git/git.ts';
import type { Tree } from '../../bundle/git/tree.ts';

/** A file as a commit left it; null when it is gone. */
export type Changed = { path: string; bytes: Buffer | null };

/** Changes that took effect together. */
export type Step = {
  /** Null for what is on disk and not committed. */
  commit: string | null;
  /** Seconds since 1970; what is on disk and not committed comes last, at the instant of the review. */
  at: number;
  /**
   * The oldest commit of a shallow clone, or files outside Git: they seem to add everything, and say nothing about when
   * that changed.
   */
  blind: boolean;
  files: readonly Changed[];
  /** Files that it changed and that cannot be read, as of a damaged repository: what they said nobody can tell. */
  lost?: readonly string[];
};

/** What a commit on a branch that was merged did to a file; null where it is not there. */
export type AsideChange = { path: string; before: Buffer | null; after: Buffer | null };

type Commit = { commit: string; at: number; changes: { path: string; before: string; id: string }[] };
const rooms = ['grants/access', 'grants/apis', 'grants/directory', 'grants/networks.yaml'];
const isBlob = (id: string) => !/^0*$/.test(id);

/** Commits that `which` names and that changed files of some rooms, oldest first. */
async function logOf(tree: Tree, which: readonly string[], within: readonly string[]): Promise<Commit[]> {
  const output = await git(tree.root, [
    ...['log', '--raw', '-z', '--no-abbrev', '--no-renames', '--no-color', '--no-show-signature'],
    ...['--reverse', '--format=%x00commit %ct %H', ...which],
    // Paths are those below the folder that holds grants/.
    tree.within === '' ? '--relative' : `--relative=${tree.within}`,
    ...['--', ...within.map((room) => `${tree.within}${room}`)],
  ]);
  const commits: Commit[] = [];
  let [before, id] = ['', ''];
  for (const field of output.toString().split('\0')) {
    const text = field.trim();
    if (id !== '') {
      commits.at(-1)?.changes.push({ path: field, before, id });
      id = '';
    } else if (text.startsWith('commit ')) {
      const [, at, commit = ''] = text.split(' ');
      commits.push({ commit, at: Number(at), changes: [] });
    } else if (text.startsWith(':')) [, , before = '', id = ''] = text.split(' ');
  }
  return commits;
}

/** Along first parents, oldest first: when something took effect, not when it was written. */
const commitsOf = (tree: Tree, revision: string) => logOf(tree, ['--first-parent', '-m', revision], rooms);

/**
 * When commits took effect: none before those it builds on, whatever its own clock said (a branch of long ago that was
 * put on top, a date that was kept or made up), nor after `asOf`. One from the future took effect before the next.
 */
function inOrder(commits: readonly Commit[], asOf: number): Commit[] {
  let next = asOf;
  const sane = commits.map(({ at }) => at);
  for (let index = sane.length - 1; index >= 0; index -= 1) {
    const own = sane[index] ?? asOf;
    if (own <= asOf) next = own;
    else sane[index] = next;
  }
  let latest = Number.NEGATIVE_INFINITY;
  return commits.map((commit, index) => {
    latest = Math.max(latest, sane[index] ?? asOf);
    return { ...commit, at: latest };
  });
}

/** Hands out blobs in the order of their ids, each read once; those that are needed again are kept until then. */
function createReader(tree: Tree, ids: readonly string[]) {
  const needed = new Map<string, number>();
  for (const id of ids) needed.set(id, (needed.get(id) ?? 0) + 1);
  const stream = streamBlobs(tree.root, ids);
  const kept = new Map<string, Buffer>();
  return {
    async take(id: string): Promise<Buffer | null> {
      while (!kept.has(id)) {
        const { value, done } = await stream.next();
        if (done === true) return null;
        kept.set(value[0], Buffer.from(value[1]));
      }
      const bytes = kept.get(id) ?? null;
      const left = (needed.get(id) ?? 1) - 1;
      needed.set(id, left);
      if (left === 0) kept.delete(id);
      return bytes;
    },
    close: () => stream.return(undefined),
  };
}

/** What the files on disk say otherwise than the last commit. */
async function uncommitted(tree: Tree, committed: ReadonlyMap<string, string>): Promise<Changed[]> {
  const paths = (await tree.list()).filter((path) =>
    rooms.some((room) => path === room || path.startsWith(`${room}/`)),
  );
  const changed: Changed[] = [];
  for await (const [path, bytes] of tree.stream(paths)) {
    const known = committed.get(path);
    const algorithm = known?.length === 64 ? 'sha256' : 'sha1';
    const id = createHash(algorithm).update(`blob ${bytes.length}\0`).update(bytes).digest('hex');
    if (id !== known) changed.push({ path, bytes });
  }
  const there = new Set(paths);
  for (const path of committed.keys()) if (!there.has(path)) changed.push({ path, bytes: null });
  return changed;
}

/**
 * The history of grants, APIs and directories in one pass, oldest first; each blob is read once.
 * Throws GitError, and what reading the tree throws.
 */
export async function* readCommits(tree: Tree, asOf: number): AsyncGenerator<Step> {
  if (tree.revision === null) {
    if (tree.source === 'disk')
      yield { commit: null, at: asOf, blind: true, files: await uncommitted(tree, new Map()) };
    return;
  }
  const commits = inOrder(await commitsOf(tree, tree.revision), asOf);
  const ids = commits.flatMap(({ changes }) => changes.map(({ id }) => id).filter(isBlob));
  const reader = createReader(tree, ids);
  const committed = new Map<string, string>();
  try {
    for (const [index, { commit, at, changes }] of commits.entries()) {
      const files: Changed[] = [];
      const lost: string[] = [];
      for (const { path, id } of changes) {
        const bytes = isBlob(id) ? await reader.take(id) : null;
        if (isBlob(id)) committed.set(path, id);
        else committed.delete(path);
        if (bytes !== null || !isBlob(id)) files.push({ path, bytes });
        else lost.push(path);
      }
      yield { commit, at, blind: tree.shallow && index === 0, files, ...(lost.length > 0 && { lost }) };
    }
  } finally {
    await reader.close();
  }
  if (tree.source === 'disk') {
    const files = await uncommitted(tree, committed);
    if (files.length > 0) yield { commit: null, at: asOf, blind: false, files };
  }
}

/**
 * Changes of grants on merged branches that left no trace along first parents, oldest first. Whoever merges the enforced
 * branch into their own and pushes that makes what was enforced meanwhile a side branch: a grant that was taken and given
 * back there is as it was, and looks as if nobody had ever wanted it. Throws GitError.
 */
export async function* readAsides(
  tree: Tree,
  asOf: number,
): AsyncGenerator<{ at: number; files: readonly AsideChange[] }> {
  const { revision } = tree;
  if (revision === null || !tree.merges) return;
  const along = await logOf(tree, ['--first-parent', '-m', revision], ['grants/access']);
  const known = new Set(along.map(({ commit }) => commit));
  const states = new Set(along.flatMap(({ changes }) => changes.map(({ path, id }) => `${id} ${path}`)));
  const all = ['--full-history', '--no-merges', '--topo-order', revision];
  const beside = (await logOf(tree, all, ['grants/access'])).filter(({ commit }) => !known.has(commit));
  const hidden = new Set(
    beside.flatMap(({ changes }) =>
      changes.flatMap(({ path, id }) => (states.has(`${id} ${path}`) ? [] : [path])),
    ),
  );
  const asides = beside.map(({ at, changes }) => ({
    at: Math.min(at, asOf),
    changes: changes.filter(({ path }) => hidden.has(path)),
  }));
  const ids = asides.flatMap(({ changes }) => changes.flatMap(({ before, id }) => [before, id]));
  const reader = createReader(tree, ids.filter(isBlob));
  const take = (id: string) => (isBlob(id) ? reader.take(id) : null);
  try {
    for (const { at, changes } of asides) {
      const files: AsideChange[] = [];
      for (const { path, before, id } of changes)
        files.push({ path, before: await take(before), after: await take(id) });
      if (files.length > 0) yield { at, files };
    }
  } finally {
    await reader.close();
  }
}
