/** A commit that a branch has and the base has not. */
export type Own = { parents: readonly string[]; emails: readonly string[] };

/**
 * Reads what branches have and the base has not, all in one process; answers with the commits of one branch, by its
 * tip. `git` runs a command and gives its output.
 */
export async function historyOf(
  git: (args: readonly string[]) => Promise<Buffer>,
  tips: readonly string[],
  base: string,
): Promise<(tip: string) => readonly Own[]> {
  const commits = new Map<string, Own>();
  if (tips.length > 0) {
    const output = await git(['log', '-z', '--format=%H%n%P%n%ae%n%ce', ...tips, `^${base}`]);
    for (const text of output.toString().split('\0')) {
      const [id = '', parents = '', ...emails] = text.split('\n');
      if (id !== '') commits.set(id, { parents: parents.split(' '), emails });
    }
  }
  return (tip) => {
    const found: Own[] = [];
    const seen = new Set([tip]);
    for (const id of seen) {
      const commit = commits.get(id);
      if (commit === undefined) continue;
      found.push(commit);
      for (const parent of commit.parents) seen.add(parent);
    }
    return found;
  };
}
