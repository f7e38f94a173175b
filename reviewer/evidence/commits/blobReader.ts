import { streamBlobs } from '../../../bundle/git/git.ts';
import type { Tree } from '../../../bundle/git/tree.ts';

/** Hands out blobs in the order of their ids, each read once; those that are needed again are kept until then. */
export function createBlobReader(tree: Tree, ids: readonly string[]) {
  const needed = new Map<string, number>();
  for (const id of ids) needed.set(id, (needed.get(id) ?? 0) + 1);
  const stream = streamBlobs(tree.root, ids);
  const kept = new Map<string, Buffer>();
  return {
    /** Null for one that cannot be read. */
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
