import type { Tree } from '../../bundle/git/tree.ts';

/** Files in memory: on disk they would cost more than what is tested. Null is for one that is not there. */
export function memoryTree(files: Readonly<Record<string, string | null>>): Tree {
  const texts = new Map(
    Object.entries(files).flatMap(([path, text]) =>
      text === null ? [] : [[path, Buffer.from(text)] as const],
    ),
  );
  const paths = [...texts.keys()].sort();
  const some = (wanted: readonly string[]) => [...texts].filter(([path]) => wanted.includes(path));
  return {
    ...{ root: '', within: '', revision: null, counter: 0, merges: false, committedAt: null },
    ...{ source: 'disk', shallow: false },
    entries: async () =>
      paths.map((path) => ({ path, kind: 'file', size: texts.get(path)?.length ?? 0, id: null })),
    list: async () => paths,
    read: async (wanted) => new Map(some(wanted)),
    async *stream(wanted) {
      yield* some(wanted);
    },
  };
}
