import { git } from '../../bundle/git/git.ts';
import type { Tree } from '../../bundle/git/tree.ts';

/** What a commit says of why it took a grant away, and who made it: of a merge, whoever merged. */
export type Why = { by: string; found: string | null };

/** A merge brings no more commits of a review than a few. */
const mostCommits = 50;

/**
 * Looks for the finding that a commit carried out: the review writes a line for each into its own commit, which a merge
 * brings and a squash repeats. Throws GitError.
 */
export async function whyTaken(tree: Tree, commit: string, grant: string): Promise<Why> {
  const listing = await git(tree.root, [
    ...['log', '--no-show-signature', '--format=%P%x1f%an%x1f%B%x00', '--max-count=1', commit, '--'],
  ]);
  const [parents = '', by = '', message = ''] = listing.toString().split('\0')[0]?.split('\x1f') ?? [];
  const [first = '', ...others] = parents.trim().split(' ');
  const brought =
    others.length === 0
      ? ''
      : await git(tree.root, [
          ...['log', '--no-show-signature', '--no-merges', `--max-count=${mostCommits}`, '--format=%B'],
          ...[...others, `^${first}`, '--'],
        ]);
  const line = `${message}\n${brought}`.split('\n').find((one) => isOf(one, grant));
  return { by, found: line?.trim() ?? null };
}

/** `revoke orders-desk-read (never-used): The group desk has not used …` */
const isOf = (line: string, grant: string) => {
  const [, name] = /^(?:delete|revoke|suspend|narrow) (\S+) \([a-z-]+\)(?:: .*)?$/.exec(line.trim()) ?? [];
  return name === grant;
};
