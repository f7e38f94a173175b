import { lstat, readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { compareCodePoints } from '../format/canonicalJson.ts';
import { instantOf } from '../format/times.ts';
import { askCommit, firstParents, git, mostFileBytes, streamBlobs } from './git.ts';
import { GitError } from './gitError.ts';

/** What stands at a path. `id` is the Git blob id (null for files on disk), `size` counts bytes. */
export type Entry = {
  path: string;
  kind: 'file' | 'symbolic link' | 'submodule' | 'special file';
  size: number;
  id: string | null;
};

/** One state of a grants repository: a commit, or the files as they lie on disk. */
export type Tree = {
  /** Where Git is run: the folder on disk, or the repository. */
  readonly root: string;
  /** From there to the folder that holds grants/, with a slash behind: `infra/access/`; empty where it is the same. */
  readonly within: string;
  /** The commit; for files on disk the one checked out, null outside Git or before the first commit. */
  readonly revision: string | null;
  /** Commits from the first one to `revision`, first parents only: it only grows. 0 without a commit. */
  readonly counter: number;
  /** One of those is a merge: where none is, there are no other commits. */
  readonly merges: boolean;
  /** When `revision` was committed, `2026-11-23T10:00:00Z`. */
  readonly committedAt: string | null;
  readonly source: 'commit' | 'disk';
  /** The history is cut short (`git clone --depth`), so `counter` is not to be trusted. */
  readonly shallow: boolean;
  /** Everything under grants/, policies/ and data/ that is no folder, sorted by path. */
  readonly entries: () => Promise<readonly Entry[]>;
  /** Paths of the regular files among the entries, relative to the repository's root. */
  readonly list: () => Promise<string[]>;
  /** Contents by path. Throws TreeError for a path that is no regular file there, or larger than 64 MiB. */
  readonly read: (paths: readonly string[]) => Promise<Map<string, Buffer>>;
  /** The same one after the other, in any order: as many are in memory as whoever takes them keeps. */
  readonly stream: (paths: readonly string[]) => AsyncIterable<readonly [path: string, bytes: Buffer]>;
  /** Blobs, by their ids, that were read and are still in memory; left out where nothing is kept. */
  readonly remembered?: () => Promise<ReadonlyMap<string, Buffer>>;
};
/** The tree of a commit. */
export type CommitTree = Tree & { readonly revision: string; readonly committedAt: string };

/** What a tree holds, without its history. */
export type Files = Pick<Tree, 'entries' | 'list' | 'read' | 'stream'>;

/** A path cannot be read. Codes: `not-there`, `file-too-large`. */
export class TreeError extends Error {
  readonly code: 'not-there' | 'file-too-large';
  constructor(code: TreeError['code'], message: string) {
    super(message);
    this.name = 'TreeError';
    this.code = code;
  }
}

/** The folders of a grants repository that bundles are made of. */
export const treeFolders: readonly string[] = ['data', 'grants', 'policies'];

type Source = {
  entries: () => Promise<Entry[]>;
  contents: (entries: readonly Entry[]) => AsyncIterable<readonly [path: string, bytes: Buffer]>;
};

function reading({ entries, contents }: Source): Files {
  let listed: Promise<Entry[]> | null = null;
  const all = () => {
    listed ??= entries().then((found) => found.sort((a, b) => compareCodePoints(a.path, b.path)));
    return listed;
  };
  const stream = async function* (paths: readonly string[]) {
    const byPath = new Map((await all()).map((entry) => [entry.path, entry]));
    const wanted = paths.map((path) => {
      const entry = byPath.get(path);
      if (entry?.kind !== 'file') throw new TreeError('not-there', `there is no file ${path}`);
      if (entry.size > mostFileBytes)
        throw new TreeError('file-too-large', `${path} is larger than ${mostFileBytes} bytes`);
      return entry;
    });
    yield* contents(wanted);
  };
  return {
    entries: all,
    list: async () => (await all()).filter(({ kind }) => kind === 'file').map(({ path }) => path),
    read: async (paths) => {
      const files = new Map<string, Buffer>();
      for await (const [path, bytes] of stream(paths)) files.set(path, bytes);
      // In the order asked for, however they came.
      const ordered = new Map<string, Buffer>();
      for (const path of paths) {
        const bytes = files.get(path);
        if (bytes) ordered.set(path, bytes);
      }
      return ordered;
    },
    stream,
  };
}

/** Facts about a commit that do not depend on where it is read from. */
async function commitFacts(repository: string, revision: string, shallow: boolean) {
  const { counter, merges, at } = await firstParents(repository, revision);
  const committedAt = instantOf(at);
  return { revision, counter, merges, committedAt, shallow };
}

/**
 * The tree of a commit, without a checkout; bare repositories too. A folder in a work tree stands for that folder of the
 * commit, `folder` for one below. Throws GitError.
 */
export async function gitTree(repository: string, revision: string, folder = ''): Promise<CommitTree> {
  const { commit, answers } = await askCommit(repository, revision, ['--is-shallow-repository']);
  return commitTree(repository, commit, { shallow: answers[0] === 'true', folder });
}

/** The same of a commit by its full id, where it is known whether the history is cut short. `list` as of {@link gitFiles}. */
export async function commitTree(
  repository: string,
  commit: string,
  { shallow, folder = '', list }: { shallow: boolean; folder?: string; list?: Lister },
): Promise<CommitTree> {
  const facts = await commitFacts(repository, commit, shallow);
  const files = gitFiles(repository, commit, folder, list);
  return { root: repository, within: withinOf(folder), ...facts, source: 'commit', ...files };
}

const withinOf = (folder: string) => folder.replace(/\/*$/, '/').replace(/^\/$/, '');

/** An entry of a commit, by its whole path there. */
export type Listed = Entry & { executable: boolean };
type Lister = (paths: readonly string[]) => Promise<readonly Listed[]>;

/** What lies at and below some paths of a commit or a tree. Throws GitError. */
export async function listPaths(repository: string, id: string, paths: readonly string[]): Promise<Listed[]> {
  const listing = await git(repository, ['ls-tree', ...['-r', '-z', '-l', id, '--'], ...paths]);
  return listing
    .toString()
    .split('\0')
    .filter((line) => line !== '')
    .map((line): Listed => {
      const tab = line.indexOf('\t');
      const [mode = '', , id = '', size = ''] = line.slice(0, tab).split(/ +/);
      const kind = mode === '120000' ? 'symbolic link' : mode === '160000' ? 'submodule' : 'file';
      const path = line.slice(tab + 1);
      return { path, kind, size: Number(size) || 0, id, executable: mode === '100755' };
    });
}

/** What lies under a commit or a tree, by its full id; `list` of it. Reading it throws GitError. */
export function gitFiles(
  repository: string,
  id: string,
  folder = '',
  list: Lister = (paths) => listPaths(repository, id, paths),
): Files {
  const within = withinOf(folder);
  const entries = async () =>
    (await list(treeFolders.map((room) => `${within}${room}`))).map(
      ({ path, kind, size, id }): Entry => ({ path: path.slice(within.length), kind, size, id }),
    );
  const contents = async function* (wanted: readonly Entry[]) {
    const paths = new Map<string, string[]>();
    for (const { path, id } of wanted) paths.set(id ?? '', [...(paths.get(id ?? '') ?? []), path]);
    for await (const [id, blob] of streamBlobs(repository, paths.keys())) {
      for (const path of paths.get(id) ?? []) yield [path, blob] as const;
      paths.delete(id);
    }
    const [lacking] = [...paths.values()].flat();
    if (lacking !== undefined)
      throw new GitError('git-failed', `${repository} lacks the content of ${lacking}`);
  };
  return reading({ entries, contents });
}

async function walk(root: string, folder: string, found: Entry[]): Promise<void> {
  const names = await readdir(join(root, folder)).catch((error: NodeJS.ErrnoException) => {
    if (error.code === 'ENOENT') return [];
    throw error;
  });
  for (const name of names) {
    const path = `${folder}/${name}`;
    const stat = await lstat(join(root, path));
    if (stat.isDirectory()) await walk(root, path, found);
    else {
      const kind = stat.isFile() ? 'file' : stat.isSymbolicLink() ? 'symbolic link' : 'special file';
      found.push({ path, kind, size: stat.size, id: null });
    }
  }
}

/**
 * Where in its repository a folder with grants/ lies, with a slash behind; empty at the root, outside of Git, and for a
 * folder without grants/.
 */
export async function folderIn(root: string): Promise<string> {
  if (!(await lstat(join(root, 'grants')).catch(() => null))) return '';
  return git(root, ['rev-parse', '--show-prefix']).then(
    (prefix) => prefix.toString().trim(),
    () => '',
  );
}

/** Whether a commit or any before it holds something in the folder that Git is run in. */
async function isKnown(root: string, commit: string): Promise<boolean> {
  return (await git(root, ['log', '--max-count=1', '--format=%H', commit, '--', '.'])).length > 0;
}

const ofWorkTrees = ['--is-shallow-repository', '--show-prefix'];

/** A work tree as its files lie on disk, or a bare repository at its HEAD. Throws GitError. */
export async function localTree(root: string): Promise<Tree> {
  const asked = askCommit(root, 'HEAD', [...ofWorkTrees, '--is-bare-repository']);
  const bare = await asked.then(
    ({ answers }) => answers[2],
    async () => (await git(root, ['rev-parse', '--is-bare-repository']).catch(() => '')).toString().trim(),
  );
  if (bare !== 'true') return onDisk(root, asked);
  const { commit, answers } = await asked;
  return commitTree(root, commit, { shallow: answers[0] === 'true' });
}

/** The files under `root` as they lie on disk, inside or outside Git. Throws GitError for a repository that Git refuses. */
export const workingTree = (root: string): Promise<Tree> =>
  onDisk(root, askCommit(root, 'HEAD', ofWorkTrees));

/** `asked`: of HEAD and {@link ofWorkTrees}. */
async function onDisk(root: string, asked: ReturnType<typeof askCommit>): Promise<Tree> {
  const facts = await asked
    .then(async ({ commit, answers: [shallow, prefix] }) => {
      // A folder that only lies inside of a repository, which never held anything there, is none of its folders.
      if (prefix !== '' && !(await isKnown(root, commit)))
        throw new GitError('git-revision', `${root} is no folder of a repository`);
      return commitFacts(root, commit, shallow === 'true');
    })
    .catch((error: unknown) => {
      // Outside of Git there is no history to look at. A repository that Git refuses to read has one, and to pass it over
      // in silence would let pass what it forbids.
      if (!(error instanceof GitError)) throw error;
      if (error.code === 'git-failed' && !/not a git repository/.test(error.complaint)) throw error;
      return { revision: null, counter: 0, merges: false, committedAt: null, shallow: false };
    });
  const entries = async () => {
    const found: Entry[] = [];
    for (const room of treeFolders) {
      const stat = await lstat(join(root, room)).catch(() => null);
      if (stat?.isSymbolicLink()) found.push({ path: room, kind: 'symbolic link', size: 0, id: null });
      else if (stat?.isDirectory()) await walk(root, room, found);
    }
    return found;
  };
  const contents = async function* (wanted: readonly Entry[]) {
    for (const { path } of wanted) yield [path, await readFile(join(root, path))] as const;
  };
  return { root, within: '', ...facts, source: 'disk', ...reading({ entries, contents }) };
}

/** A tree with some of its entries only. */
export function partOf(tree: Tree, belongs: (entry: Entry) => boolean): Tree {
  const entries = async () => (await tree.entries()).filter(belongs);
  const list = async () => (await entries()).filter(({ kind }) => kind === 'file').map(({ path }) => path);
  return { ...tree, entries, list };
}

/** A tree in which one file has other content, or is new. */
export const withFile = (tree: Tree, path: string, content: Buffer): Tree => ({
  ...tree,
  source: 'disk',
  ...withFiles(tree, new Map([[path, content]])),
});

/** What a tree holds once some of its files have other content, are new, or (null) are gone. */
export function withFiles(tree: Files, files: ReadonlyMap<string, string | Buffer | null>): Files {
  const own = new Map<string, Buffer>();
  for (const [path, content] of files) if (content !== null) own.set(path, Buffer.from(content));
  const added = [...own].map(([path, { length }]): Entry => ({ path, kind: 'file', size: length, id: null }));
  const contents = async function* (wanted: readonly Entry[]) {
    const theirs: string[] = [];
    for (const { path } of wanted) {
      const bytes = own.get(path);
      if (bytes) yield [path, bytes] as const;
      else theirs.push(path);
    }
    yield* tree.stream(theirs);
  };
  const entries = async () => [...(await tree.entries()).filter(({ path }) => !files.has(path)), ...added];
  return reading({ entries, contents });
}
