import { createHash } from 'node:crypto';
import { readdir, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { git } from '../../bundle/git/git.ts';
import { treeFolders } from '../../bundle/git/tree.ts';
import { findLogs } from '../evidence/findLogs.ts';

/** Changes whenever what a console reads of a repository does: its commit, and where it has a work tree, its files. */
export async function stampOf(root: string): Promise<string> {
  const said = await git(root, ['rev-parse', '--is-bare-repository', 'HEAD']).catch(() => '');
  const [bare = '', head = ''] = said.toString().trim().split('\n');
  if (bare === 'true') return head;
  const hash = createHash('sha256').update(head);
  for (const folder of treeFolders) {
    const names = await readdir(join(root, folder), { recursive: true }).catch(() => []);
    const facts = await Promise.all(
      names.sort().map(async (name) => {
        const found = await stat(join(root, folder, name)).catch(() => null);
        return found?.isFile() ? `${name}\0${found.size}\0${found.mtimeMs}\0` : '';
      }),
    );
    hash.update(facts.join(''));
  }
  return hash.digest('hex');
}

/** Tells whether records are others than before: their files, how large they are, and when they were written to. */
export async function stampOfFiles(sources: readonly string[]): Promise<string> {
  const files = await findLogs(sources);
  const facts = await Promise.all(
    files.map(async (file) => {
      const { size, mtimeMs } = await stat(file);
      return `${file}\0${size}\0${mtimeMs}\0`;
    }),
  );
  return createHash('sha256').update(facts.join('')).digest('hex');
}
