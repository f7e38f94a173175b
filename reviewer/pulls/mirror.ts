import { mkdir, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { git } from '../../bundle/git/git.ts';
import { commitTree, listPaths, type Tree, treeFolders } from '../../bundle/git/tree.ts';
import { temporaryFolder } from '../temporaryFolder.ts';
import { codeownersPaths } from './codeowners.ts';
import { historyOf } from './mirror/historyOf.ts';
import { importOf } from './mirror/importOf.ts';
import { mirrorGit, type Remote } from './mirror/mirrorGit.ts';
import { branchPrefix } from './text/branch.ts';

export const bot = { name: 'grantgate[bot]', email: 'grantgate[bot]@users.noreply.github.com' };

/** Path → its new text, or null to delete the file. */
export type FileTexts = ReadonlyMap<string, string | null>;

/** A temporary copy of the forge's repository: its base branch with all its history, and the review's branches. */
export type Mirror = {
  repository: string;
  /** Where grants/ is in it, with a slash behind; empty at the root. */
  folder: string;
  base: { branch: string; commit: string };
  /** Branch → commit, as the forge had them. */
  branches: ReadonlyMap<string, string>;
  /** The base, without asking again what is known of it. */
  tree(): Promise<Tree>;
  /** The first of some files of the base that is there, as text, by its path in the repository; null without any. */
  first(paths: readonly string[]): Promise<string | null>;
  /** Commits files (by their paths in `folder`) on top of the base, as the bot; the same inputs give the same commit. `at`: seconds since 1970. */
  commit(files: FileTexts, message: string, at: number): Promise<string>;
  /** Whether anybody but the bot has committed to a branch since it left the base, but for merges of the base alone. */
  hasHumanCommits(commit: string): Promise<boolean>;
  /** Whether a branch begins at the very base. */
  isAhead(commit: string): Promise<boolean>;
  /** The tree that the base would be once a branch is merged; null when it conflicts. */
  merged(commit: string): Promise<string | null>;
  /**
   * The files by which the merge of a branch, `tree`, gives otherwise than a commit on the base; null when it conflicts.
   * Whatever calls itself the bot's is known by this alone.
   */
  differing(branch: string, commit: string): Promise<{ tree: string; paths: readonly string[] } | null>;
  /** Pushes a commit to a branch, if that still is where this copy saw it. Throws ForgeError `forge-git`. */
  push(branch: string, commit: string): Promise<void>;
  close(): Promise<void>;
};

/**
 * Fetches the forge's repository into a temporary folder, with our branches below `prefix`. Throws ForgeError, ReviewError
 * `aborted`.
 */
export async function openMirror(
  forge: Remote,
  signal?: AbortSignal,
  prefix: string = branchPrefix,
): Promise<Mirror> {
  const folder = await temporaryFolder('review');
  const repository = join(folder, 'access.git');
  const close = () => rm(folder, { recursive: true, force: true });
  const { run, talk } = mirrorGit(repository, { forge, signal });

  try {
    await makeBare(repository);
    const refs = [`+refs/heads/${forge.base}:refs/heads/${forge.base}`];
    refs.push(`+refs/heads/${prefix}*:refs/heads/${prefix}*`);
    await talk('fetch', ['fetch', '--no-tags', '--progress', forge.cloneUrl, ...refs]);
    const branches = fetchedBranches(await readFile(join(repository, 'FETCH_HEAD'), 'utf8'));
    const base = { branch: forge.base, commit: branches.get(forge.base) ?? '' };
    branches.delete(forge.base);
    const tips = [...branches.values()];
    const listing = once(() =>
      listPaths(repository, base.commit, [
        ...codeownersPaths,
        ...treeFolders.map((name) => `${forge.folder}${name}`),
      ]),
    );
    const mergeOf = async (one: string, other: string) => {
      // A conflict ends the command with code 1.
      const args = ['merge-tree', '--write-tree', '--no-messages', one, other];
      const tree = await git(repository, args).catch(() => null);
      return tree?.toString().trim() ?? null;
    };
    const merged = (commit: string) => mergeOf(base.commit, commit);
    const history = once(() => historyOf((args) => git(repository, args), tips, base.commit));
    return {
      repository,
      folder: forge.folder,
      base,
      branches,
      async tree() {
        const list = async (paths: readonly string[]) =>
          (await listing()).filter((one) =>
            paths.some((path) => one.path === path || one.path.startsWith(`${path}/`)),
          );
        const shallow = await stat(join(repository, 'shallow')).then(
          () => true,
          () => false,
        );
        return commitTree(repository, base.commit, { shallow, folder: forge.folder, list });
      },
      async first(paths) {
        const files = await listing();
        const found = paths.flatMap((path) => files.find((file) => file.path === path) ?? [])[0];
        return typeof found?.id !== 'string'
          ? null
          : (await git(repository, ['cat-file', 'blob', found.id])).toString();
      },
      async commit(files, message, at) {
        const executable = new Set((await listing()).filter((one) => one.executable).map(({ path }) => path));
        const changes = [...files].map(([name, text]) => {
          const path = `${forge.folder}${name}`;
          return { path, text, executable: executable.has(path) };
        });
        const made = { base: base.commit, changes, message, at, by: bot };
        return run(['fast-import', '--quiet', '--force', '--done'], importOf(made));
      },
      async hasHumanCommits(commit) {
        for (const { tree, emails, update } of (await history())(commit)) {
          if (emails.every((email) => email === bot.email)) continue;
          // Whoever presses "Update branch" has changed nothing, unless more came with it.
          if (update === null || (await mergeOf(...update)) !== tree) return true;
        }
        return false;
      },
      async isAhead(commit) {
        return (await history())(commit).some(({ parents }) => parents.includes(base.commit));
      },
      merged,
      async differing(branch, commit) {
        const tree = await merged(branch);
        if (tree === null) return null;
        const names = await git(repository, ['diff-tree', '-r', '-z', '--name-only', tree, commit]);
        const paths = names.toString().split('\0');
        return { tree, paths: paths.filter((path) => path !== '') };
      },
      async push(branch, commit) {
        await talk('push', [
          'push',
          '--quiet',
          `--force-with-lease=refs/heads/${branch}:${branches.get(branch) ?? ''}`,
          forge.cloneUrl,
          `${commit}:refs/heads/${branch}`,
        ]);
        branches.set(branch, commit);
      },
      close,
    };
  } catch (error) {
    await close();
    throw error;
  }
}

/** Branch → commit, as `git fetch` notes for programs what it has fetched. */
function fetchedBranches(fetchHead: string): Map<string, string> {
  const found = fetchHead.matchAll(/^([0-9a-f]{40,64})\t[a-z-]*\tbranch '(\S+)' of /gm);
  return new Map([...found].map(([, commit = '', branch = '']) => [branch, commit]));
}

/** What `git init` makes, without its samples and without a process. */
async function makeBare(repository: string): Promise<void> {
  for (const name of ['objects', 'refs']) await mkdir(join(repository, name), { recursive: true });
  await writeFile(join(repository, 'HEAD'), 'ref: refs/heads/unused\n');
  await writeFile(join(repository, 'config'), '[core]\n\trepositoryformatversion = 0\n\tbare = true\n');
}

/** Asked for when it is first needed, and kept. */
function once<T>(work: () => Promise<T>): () => Promise<T> {
  let kept: Promise<T> | null = null;
  return () => {
    kept ??= work();
    return kept;
  };
}
