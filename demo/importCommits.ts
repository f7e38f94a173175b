import type { Commit } from './commits.ts';
import { createGit } from './forge/git/git.ts';

/**
 * Writes commits to `refs/heads/main` of an existing repository without commits (`gitDir`, bare or not; no work tree
 * is touched), by `git fast-import`. The same commits give the same ids. Throws GitError.
 */
export async function importCommits(gitDir: string, list: readonly Commit[]): Promise<void> {
  const chunks: string[] = [];
  const data = (text: string) => chunks.push(`data ${Buffer.byteLength(text)}\n${text}\n`);
  for (const { at, author, message, files } of list) {
    const name = author
      .split('.')
      .map((part) => part.charAt(0).toUpperCase() + part.slice(1))
      .join(' ');
    const who = `${name} <${author}@northwind.example> ${Math.floor(at / 1000)} +0000`;
    chunks.push(`commit refs/heads/main\nauthor ${who}\ncommitter ${who}\n`);
    data(`${message}\n`);
    for (const [path, text] of files) {
      chunks.push(`M 100644 inline ${path}\n`);
      data(text);
    }
  }
  await createGit(gitDir).run(['fast-import', '--quiet', '--done', '--date-format=raw'], {
    input: `${chunks.join('')}done\n`,
  });
}
