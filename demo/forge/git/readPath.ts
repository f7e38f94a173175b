import type { Git } from './git.ts';

export type Entry = {
  name: string;
  path: string;
  type: 'file' | 'dir' | 'symlink' | 'submodule';
  sha: string;
  size: number;
};

/** A path inside a repository: no empty, `.` or `..` part, no NUL. The empty path is the root. */
export const isTreePath = (path: string): boolean =>
  path === '' ||
  (!path.includes('\0') && path.split('/').every((part) => part !== '' && part !== '.' && part !== '..'));

const kinds: Record<string, Entry['type']> = { '120000': 'symlink', '160000': 'submodule', '040000': 'dir' };

/** The entries of a folder at a commit; null when the path is not a folder there. */
export async function readFolder(git: Git, commit: string, path: string): Promise<Entry[] | null> {
  const { code, stdout } = await git.run(['ls-tree', '-z', '--long', `${commit}:${path}`], { codes: [128] });
  if (code !== 0) return null;
  return stdout
    .toString()
    .split('\0')
    .filter(Boolean)
    .map((line) => {
      const tab = line.indexOf('\t');
      const [mode = '', , sha = '', size = '-'] = line.slice(0, tab).split(/ +/);
      const name = line.slice(tab + 1);
      return {
        name,
        path: path === '' ? name : `${path}/${name}`,
        type: kinds[mode] ?? 'file',
        sha,
        size: Number(size) || 0,
      };
    });
}

/** A file's bytes at a commit; null when there is no such file. */
export async function readBlob(
  git: Git,
  commit: string,
  path: string,
): Promise<{ sha: string; bytes: Buffer } | null> {
  const found = await git.run(['rev-parse', '--verify', '--quiet', `${commit}:${path}`], { codes: [1, 128] });
  if (found.code !== 0) return null;
  const sha = found.stdout.toString().trim();
  const blob = await git.run(['cat-file', 'blob', sha], { codes: [128] });
  return blob.code === 0 ? { sha, bytes: blob.stdout } : null;
}
