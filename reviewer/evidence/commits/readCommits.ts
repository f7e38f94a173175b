import { blobId } from '../../../bundle/git/blobId.ts';
import type { Tree } from '../../../bundle/git/tree.ts';
import { createBlobReader } from './blobReader.ts';
import { inOrder, isBlob, lineLog, rooms } from './commitLog.ts';

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

/** What the files on disk say otherwise than the last commit. */
async function uncommitted(tree: Tree, committed: ReadonlyMap<string, string>): Promise<Changed[]> {
  const paths = (await tree.list()).filter((path) =>
    rooms.some((room) => path === room || path.startsWith(`${room}/`)),
  );
  const changed: Changed[] = [];
  for await (const [path, bytes] of tree.stream(paths)) {
    const known = committed.get(path);
    if (blobId(bytes, known) !== known) changed.push({ path, bytes });
  }
  const there = new Set(paths);
  for (const path of committed.keys()) if (!there.has(path)) changed.push({ path, bytes: null });
  return changed;
}

/**
 * The history of grants, APIs and directories along first parents in one pass, oldest first; each blob is read once.
 * `log` is that of the tree. Throws GitError, and what reading the tree throws.
 */
export async function* readCommits(tree: Tree, asOf: number, log = lineLog(tree)): AsyncGenerator<Step> {
  if (tree.revision === null) {
    if (tree.source === 'disk')
      yield { commit: null, at: asOf, blind: true, files: await uncommitted(tree, new Map()) };
    return;
  }
  // When something took effect, not when it was written.
  const commits = inOrder(await log, asOf);
  const ids = commits.flatMap(({ changes }) => changes.map(({ id }) => id).filter(isBlob));
  const reader = await createBlobReader(tree, ids);
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
