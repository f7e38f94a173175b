// Sharp edges of simple-git, kept behind this file: it refuses environment variables it takes for dangerous unless they
// are named; it takes an exit code without output on stderr for success; `env` replaces the whole environment.
import { mkdir, rm, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { type SimpleGit, simpleGit } from 'simple-git';
import { git } from '../../bundle/git/git.ts';
import { type GitSurroundings, gitEnvironment } from '../../bundle/git/gitEnvironment.ts';
import { GitError } from '../../bundle/git/gitError.ts';
import { runGit } from '../../bundle/git/runGit.ts';
import { commitTree, listPaths, type Tree, treeFolders } from '../../bundle/git/tree.ts';
import type { Forge } from '../forge/forge.ts';
import { ForgeError } from '../forge/forgeError.ts';
import { stopIfAborted } from '../reviewError.ts';
import { temporaryFolder } from '../temporaryFolder.ts';
import { codeownersPaths } from './codeowners.ts';
import { historyOf } from './mirror/historyOf.ts';
import { importOf } from './mirror/importOf.ts';
import { branchPrefix } from './text/branch.ts';

export const bot = { name: 'grantgate[bot]', email: 'grantgate[bot]@users.noreply.github.com' };

/** What is asked of a forge here. */
type Remote = Pick<Forge, 'token' | 'cloneUrl' | 'base' | 'folder' | 'timeoutMs'>;

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
  /** Whether anybody but the bot has committed to a branch since it left the base. */
  hasHumanCommits(commit: string): Promise<boolean>;
  /** Whether a branch begins at the very base. */
  isAhead(commit: string): Promise<boolean>;
  /** The tree that the base would be once a branch is merged; null when it conflicts. */
  merged(commit: string): Promise<string | null>;
  /**
   * The files by which the merge of a branch gives otherwise than a commit on the base; null when it conflicts. Whatever
   * calls itself the bot's is known by this alone.
   */
  differing(branch: string, commit: string): Promise<readonly string[] | null>;
  /** Pushes a commit to a branch, if that still is where this copy saw it. Throws ForgeError `forge-git`. */
  push(branch: string, commit: string): Promise<void>;
  close(): Promise<void>;
};

/** With the token in a header that goes to the forge's address only: arguments and addresses end up in logs. */
function surroundings(forge: Remote, token: string): GitSurroundings {
  const url = URL.parse(forge.cloneUrl);
  const protocol = /^(https?):$/.exec(url?.protocol ?? '')?.[1];
  const credentials = Buffer.from(`x-access-token:${token}`).toString('base64');
  return {
    protocol: protocol === 'https' || protocol === 'http' ? protocol : 'file',
    globalConfig: '/dev/null',
    ...(token !== '' &&
      url !== null &&
      protocol !== undefined && {
        credentials: { origin: url.origin, authorization: `Basic ${credentials}` },
      }),
    config: {
      // The copy is gone in a minute: one file rather than one for each object.
      'fastimport.unpackLimit': '1',
      'fetch.unpackLimit': '1',
      // A connection that stands still is given up.
      'http.lowSpeedLimit': '1',
      'http.lowSpeedTime': String(Math.ceil(forge.timeoutMs / 1000)),
    },
  };
}

/**
 * Fetches the forge's repository into a temporary folder, with our branches below `prefix`. Throws ForgeError, ReviewError
 * `aborted`.
 */
export async function openMirror(
  forge: Remote,
  signal?: AbortSignal,
  prefix: string = branchPrefix,
): Promise<Mirror> {
  const token = await forge.token();
  const folder = await temporaryFolder('review');
  const repository = join(folder, 'access.git');
  const ours = surroundings(forge, token);
  // What stays on this machine needs no token.
  const { credentials: _, ...local } = ours;
  const env = gitEnvironment(local);
  const close = () => rm(folder, { recursive: true, force: true });
  const client = (input: string | undefined): SimpleGit =>
    simpleGit({
      baseDir: repository,
      timeout: { block: forge.timeoutMs },
      ...(signal && { abort: signal }),
      ...(input !== undefined && { input: () => input }),
      allowEnvironment: Object.keys(env),
      unsafe: unsafeButOurs,
    }).env(env);
  const run = async (args: string[], input?: string) => {
    stopIfAborted(signal);
    try {
      return (await client(input).raw(args)).trim();
    } catch (error) {
      stopIfAborted(signal);
      throw error;
    }
  };
  /** Runs a command that talks to the forge: it may hang, and starts programs of Git's that do. */
  const talk = async (name: string, args: string[]) => {
    const options = { ...ours, cwd: repository, timeoutMs: forge.timeoutMs, patient: true };
    const fault = await runGit(args, { ...options, ...(signal && { signal }) }).then(
      ({ code, stderr }) => (code === 0 ? null : `failed: ${withoutToken(stderr, token)}`),
      (error: unknown) => {
        stopIfAborted(signal);
        if (!(error instanceof GitError)) throw error;
        return error.code === 'git-timeout'
          ? `gave no sign of life for ${forge.timeoutMs / 1000} s`
          : `failed: ${error.message}`;
      },
    );
    if (fault === null) return;
    if (/could not read (?:Username|Password)|Authentication failed|returned error: 40[13]/i.test(fault))
      throw new ForgeError(
        'forge-unauthorized',
        `git ${name} ${forge.cloneUrl}`,
        'is refused: the token is not accepted, or may not do this',
      );
    throw new ForgeError('forge-git', `git ${name} ${forge.cloneUrl}`, fault);
  };

  try {
    await makeBare(repository);
    const refs = [`+refs/heads/${forge.base}:refs/heads/${forge.base}`];
    refs.push(`+refs/heads/${prefix}*:refs/heads/${prefix}*`);
    await talk('fetch', ['fetch', '--no-tags', '--progress', forge.cloneUrl, ...refs]);
    const branches = new Map<string, string>();
    for (const line of (await run(['for-each-ref', '--format=%(objectname) %(refname:lstrip=2)'])).split(
      '\n',
    ))
      if (line !== '') branches.set(line.slice(41), line.slice(0, 40));
    const base = { branch: forge.base, commit: branches.get(forge.base) ?? '' };
    branches.delete(forge.base);
    const tips = [...branches.values()];
    const listing = once(() =>
      listPaths(repository, base.commit, [
        ...codeownersPaths,
        ...treeFolders.map((name) => `${forge.folder}${name}`),
      ]),
    );
    const merged = async (commit: string) => {
      // A conflict ends the command with code 1.
      const tree = await git(repository, [
        ...['merge-tree', '--write-tree', '--no-messages', base.commit, commit],
      ]).catch(() => null);
      return tree?.toString().trim() ?? null;
    };
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
        return (await history())(commit).some((known) => known.emails.some((email) => email !== bot.email));
      },
      async isAhead(commit) {
        return (await history())(commit).some(({ parents }) => parents.includes(base.commit));
      },
      merged,
      async differing(branch, commit) {
        const tree = await merged(branch);
        if (tree === null) return null;
        const names = await git(repository, ['diff-tree', '-r', '-z', '--name-only', tree, commit]);
        return names
          .toString()
          .split('\0')
          .filter((name) => name !== '');
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

/** What simple-git asks to be told that it is meant: the settings above are ours, and no user input. */
const unsafeButOurs = {
  allowUnsafeAskPass: true,
  allowUnsafeConfigEnvCount: true,
  allowUnsafeConfigPaths: true,
  allowUnsafePager: true,
  allowUnsafeFsMonitor: true,
  allowUnsafeHooksPath: true,
  allowUnsafeCredentialHelper: true,
} as const;

function withoutToken(text: string, token: string): string {
  if (token === '') return text.trim();
  const encoded = Buffer.from(`x-access-token:${token}`).toString('base64');
  return text.replaceAll(token, '***').replaceAll(encoded, '***').trim();
}
