/** A commit that a branch has and the base has not. */
export type Own = {
  tree: string;
  parents: readonly string[];
  emails: readonly string[];
  /** The merge of just what the base had, so that the branch is up to date: of the branch's parent and the base's. */
  update: readonly [string, string] | null;
};

/**
 * Reads what branches have and the base has not, all in one process; answers with the commits of one branch, by its
 * tip. `git` runs a command and gives its output.
 */
export async function historyOf(
  git: (args: readonly string[]) => Promise<Buffer>,
  tips: readonly string[],
  base: string,
): Promise<(tip: string) => readonly Own[]> {
  const commits = new Map<string, Omit<Own, 'update'>>();
  if (tips.length > 0) {
    const output = await git(['log', '-z', '--format=%H%n%T%n%P%n%ae%n%ce', ...tips, `^${base}`]);
    for (const text of output.toString().split('\0')) {
      const [id = '', tree = '', parents = '', ...emails] = text.split('\n');
      if (id !== '') commits.set(id, { tree, parents: parents.split(' '), emails });
    }
  }
  const updateOf = ({ parents }: Pick<Own, 'parents'>): Own['update'] => {
    const [own, other] = parents;
    if (own === undefined || other === undefined || parents.length > 2) return null;
    return commits.has(own) && !commits.has(other) ? [own, other] : null;
  };
  return (tip) => {
    const found: Own[] = [];
    const seen = new Set([tip]);
    for (const id of seen) {
      const commit = commits.get(id);
      if (commit === undefined) continue;
      found.push({ ...commit, update: updateOf(commit) });
      for (const parent of commit.parents) seen.add(parent);
    }
    return found;
  };
}
