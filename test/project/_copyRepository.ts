import { execFileSync } from 'node:child_process';
import { cpSync, existsSync, lstatSync, mkdirSync, readdirSync, symlinkSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

export const root = fileURLToPath(new URL('../..', import.meta.url));

/** The repository's files as they lie on disk, ignored ones left out; paths with `/`, sorted. */
export function repositoryFiles(): string[] {
  const listing = execFileSync('git', ['ls-files', '-z', '--cached', '--others', '--exclude-standard'], {
    cwd: root,
    encoding: 'utf8',
  });
  return [...new Set(listing.split('\0'))]
    .filter((name) => name !== '' && existsSync(join(root, name)) && lstatSync(join(root, name)).isFile())
    .sort();
}

/**
 * Copies files of the repository into a folder. With `packages`, its node_modules has links to the packages that are
 * installed here: whatever installs others there leaves ours alone, which tests are running by.
 */
export function copyRepository(
  folder: string,
  { files = repositoryFiles(), packages = false }: { files?: readonly string[]; packages?: boolean } = {},
): void {
  for (const name of files) cpSync(join(root, name), join(folder, name));
  if (!packages) return;
  const [ours, theirs] = [join(root, 'node_modules'), join(folder, 'node_modules')];
  mkdirSync(theirs);
  for (const name of readdirSync(ours)) symlinkSync(join(ours, name), join(theirs, name));
}
