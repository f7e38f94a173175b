import type { Tree } from '../../bundle/git/tree.ts';

/** A tree with the text of some of its files changed; it stands for no commit of its own. */
export function overlay(tree: Tree, changed: ReadonlyMap<string, string>): Tree {
  const bytes = new Map([...changed].map(([path, text]) => [path, Buffer.from(text)]));
  async function* stream(paths: readonly string[]): AsyncGenerator<readonly [path: string, bytes: Buffer]> {
    const asItWas = paths.filter((path) => !bytes.has(path));
    yield* tree.stream(asItWas);
    for (const path of paths) {
      const now = bytes.get(path);
      if (now !== undefined) yield [path, now];
    }
  }
  return {
    ...tree,
    // What a blob of its id holds is remembered elsewhere.
    entries: async () =>
      (await tree.entries()).map((entry) => {
        const now = bytes.get(entry.path);
        return now === undefined ? entry : { ...entry, id: null, size: now.length };
      }),
    read: async (paths) => new Map(await Array.fromAsync(stream(paths))),
    stream,
  };
}
