import { streamBlobs } from '../../../bundle/git/git.ts';
import type { Tree } from '../../../bundle/git/tree.ts';

/**
 * Hands out blobs in the order of their ids, each read once; those that are needed again are kept until then. Of what a
 * tree remembers none is read.
 */
export async function createBlobReader(tree: Pick<Tree, 'root' | 'remembered'>, ids: readonly string[]) {
  const remembered = (await tree.remembered?.()) ?? new Map<string, Buffer>();
  const needed = new Map<string, number>();
  for (const id of ids) needed.set(id, (needed.get(id) ?? 0) + 1);
  const stream = streamBlobs(
    tree.root,
    ids.filter((id) => !remembered.has(id)),
  );
  const kept = new Map<string, Buffer>();
  return {
    /** Null for one that cannot be read. */
    async take(id: string): Promise<Buffer | null> {
      const known = remembered.get(id);
      if (known !== undefined) return known;
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
