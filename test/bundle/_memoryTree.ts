import { createHash } from 'node:crypto';
import type { Tree } from '../../bundle/git/tree.ts';

type Contents = Readonly<Record<string, string | Buffer | null>>;

/** The id that Git gives a blob. */
const blobId = (bytes: Buffer) =>
  createHash('sha1').update(`blob ${bytes.length}\0`).update(bytes).digest('hex');

/**
 * Files in memory: on disk they would cost more than what is tested. Null is for one that is not there. They have no ids,
 * as those on disk, or Git's own with `committed`.
 */
export function memoryTree(files: Contents, { committed = false } = {}): Tree {
  const contents = new Map(
    Object.entries(files).flatMap(([path, content]) =>
      content === null ? [] : [[path, Buffer.from(content)] as const],
    ),
  );
  const paths = [...contents.keys()].sort();
  const some = (wanted: readonly string[]) =>
    wanted.flatMap((path) => {
      const bytes = contents.get(path);
      return bytes === undefined ? [] : [[path, bytes] as const];
    });
  return {
    ...{ root: '', within: '', revision: null, counter: 0, merges: false, committedAt: null },
    ...{ source: 'disk', shallow: false },
    entries: async () =>
      paths.map((path) => {
        const bytes = contents.get(path) ?? Buffer.alloc(0);
        return { path, kind: 'file', size: bytes.length, id: committed ? blobId(bytes) : null };
      }),
    list: async () => paths,
    read: async (wanted) => new Map(some(wanted)),
    async *stream(wanted) {
      yield* some(wanted);
    },
  };
}
