import { execFileSync } from 'node:child_process';
import { cpSync, existsSync, lstatSync, symlinkSync } from 'node:fs';
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

/** Copies files of the repository into a folder; with `packages`, node_modules is linked there. */
export function copyRepository(
  folder: string,
  { files = repositoryFiles(), packages = false }: { files?: readonly string[]; packages?: boolean } = {},
): void {
  for (const name of files) cpSync(join(root, name), join(folder, name));
  if (packages) symlinkSync(join(root, 'node_modules'), join(folder, 'node_modules'));
}
