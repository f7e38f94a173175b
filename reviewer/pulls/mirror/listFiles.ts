/** What stands at a path of a commit. */
export type Listed = { mode: string; id: string };

/** The files below some paths of a commit, by path. `git` runs a command and gives its output. */
export async function listFiles(
  git: (args: readonly string[]) => Promise<Buffer>,
  commit: string,
  paths: readonly string[],
): Promise<ReadonlyMap<string, Listed>> {
  const output = await git(['ls-tree', '-r', '-z', commit, '--', ...paths]);
  return new Map(
    output
      .toString()
      .split('\0')
      .filter((line) => line !== '')
      .map((line) => {
        const tab = line.indexOf('\t');
        const [mode = '', , id = ''] = line.slice(0, tab).split(' ');
        return [line.slice(tab + 1), { mode, id }];
      }),
  );
}
