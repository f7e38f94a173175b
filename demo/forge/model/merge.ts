import type { Commit } from '../git/commits.ts';
import { type Git, GitError } from '../git/git.ts';
import type { Core } from './core.ts';
import type { User } from './users.ts';

export type MergeTree = { tree: string; conflicts: string[] };

/** A true three-way merge of two commits without a work tree. Null when their histories are unrelated. */
export async function mergeTree(git: Git, base: string, head: string): Promise<MergeTree | null> {
  try {
    const { stdout } = await git.run(
      ['merge-tree', '--write-tree', '--name-only', '--no-messages', '-z', base, head],
      { codes: [1] },
    );
    const [tree = '', ...names] = stdout.toString().split('\0');
    return { tree, conflicts: [...new Set(names.filter(Boolean))] };
  } catch (error) {
    if (error instanceof GitError) return null;
    throw error;
  }
}

/** Writes a commit object; moves no ref. */
export async function commitTree(
  core: Core,
  commit: { tree: string; parents: string[]; message: string; author: Pick<User, 'name' | 'email'> },
): Promise<Commit> {
  const date = core.now();
  const { name, email } = commit.author;
  const forge = { name: 'Forge', email: 'noreply@forge.example.com' };
  const sha = await core.git.text(
    ['commit-tree', ...commit.parents.flatMap((parent) => ['-p', parent]), '-F', '-', commit.tree],
    {
      input: commit.message,
      env: {
        GIT_AUTHOR_NAME: name,
        GIT_AUTHOR_EMAIL: email,
        GIT_AUTHOR_DATE: date,
        GIT_COMMITTER_NAME: forge.name,
        GIT_COMMITTER_EMAIL: forge.email,
        GIT_COMMITTER_DATE: date,
      },
    },
  );
  const { tree, parents } = commit;
  const message = commit.message.replace(/\n+$/, '');
  return { sha, tree, parents, author: { name, email, date }, committer: { ...forge, date }, message };
}

const zero = '0'.repeat(40);

/** Moves a ref if it still stands at `from` (null: must not exist; `to` null: delete). False when it stood elsewhere. */
export async function moveRef(
  git: Git,
  ref: string,
  to: string | null,
  from: string | null,
): Promise<boolean> {
  const args = to === null ? ['update-ref', '-d', ref, from ?? zero] : ['update-ref', ref, to, from ?? zero];
  const { code } = await git.run(args, { codes: [1, 128] });
  return code === 0;
}
