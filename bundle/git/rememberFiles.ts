import { blobId } from './blobId.ts';
import type { Files, Tree } from './tree.ts';

/**
 * A tree whose contents are kept once they were read, up to `mostBytes` in all, so that many who look at the same files
 * start Git once.
 */
export function rememberFiles<T extends Files & Partial<Pick<Tree, 'revision'>>>(
  tree: T,
  mostBytes = 64 * 1024 * 1024,
): T & Required<Pick<Tree, 'remembered'>> {
  const kept = new Map<string, Buffer>();
  let left = mostBytes;
  const stream: Files['stream'] = async function* (paths) {
    const unknown: string[] = [];
    for (const path of paths) {
      const bytes = kept.get(path);
      if (bytes === undefined) unknown.push(path);
      else yield [path, bytes] as const;
    }
    if (unknown.length === 0) return;
    for await (const [path, bytes] of tree.stream(unknown)) {
      if (bytes.length <= left && !kept.has(path)) {
        // A copy: what was cut out of a larger buffer would keep all of it.
        kept.set(path, Buffer.from(bytes));
        left -= bytes.length;
      }
      yield [path, bytes] as const;
    }
  };
  const read: Files['read'] = async (paths) => {
    const found = new Map<string, Buffer>();
    for await (const [path, bytes] of stream(paths)) found.set(path, bytes);
    return new Map(paths.flatMap((path) => [[path, found.get(path)] as const]).filter(hasBytes));
  };
  const remembered = async () =>
    new Map(
      (await tree.entries()).flatMap(({ id, path }) => {
        const bytes = kept.get(path);
        return bytes === undefined ? [] : [[id ?? blobId(bytes, tree.revision), bytes] as const];
      }),
    );
  return { ...tree, stream, read, remembered };
}

const hasBytes = (entry: readonly [string, Buffer | undefined]): entry is readonly [string, Buffer] =>
  entry[1] !== undefined;
