import { existsSync, lstatSync, mkdirSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';

/** What may be there already, and then stays as it is. */
const mayStay = /^\.(?:git(?:attributes|ignore)$|github\/(?!workflows\/))/;

/** Ours would take the place of these at the forge. */
const others = ['CODEOWNERS', 'docs/CODEOWNERS'];

type Outcome = { written: string[]; left: string[] } | { inTheWay: string[] };

/**
 * Writes files that are not there yet, all or none: what is in the way is named, and nothing is changed then. No link is
 * followed. Throws what the file system says.
 */
export function writeNew(root: string, files: ReadonlyMap<string, string>): Outcome {
  const grants = join(root, 'grants');
  const inTheWay = isThere(grants) && (!isFolder(grants) || readdirSync(grants).length > 0) ? ['grants'] : [];
  const left: string[] = [];
  for (const path of files.keys()) {
    if (path.startsWith('grants/')) continue;
    const blocked = parents(path).find(
      (folder) => isThere(join(root, folder)) && !isFolder(join(root, folder)),
    );
    if (blocked !== undefined) inTheWay.push(blocked);
    else if (path === '.github/CODEOWNERS' && others.some((other) => isThere(join(root, other))))
      left.push(path);
    else if (isThere(join(root, path))) (mayStay.test(path) ? left : inTheWay).push(path);
  }
  if (inTheWay.length > 0) return { inTheWay: [...new Set(inTheWay)] };
  const written: string[] = [];
  try {
    for (const [path, text] of files) {
      if (left.includes(path)) continue;
      mkdirSync(dirname(join(root, path)), { recursive: true });
      writeFileSync(join(root, path), text, { flag: 'wx' });
      written.push(path);
    }
  } catch (error) {
    for (const path of written) rmSync(join(root, path), { force: true });
    throw error;
  }
  return { written, left };
}

function parents(path: string): string[] {
  const names = path.split('/').slice(0, -1);
  return names.map((_, index) => names.slice(0, index + 1).join('/'));
}

/** A link that leads nowhere is there, too. */
const isThere = (path: string) => lstatSync(path, { throwIfNoEntry: false }) !== undefined;

const isFolder = (path: string) => existsSync(path) && lstatSync(path).isDirectory();
