import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Git } from './git.ts';
import { isSha } from './refName.ts';

async function ask(git: Git): Promise<Map<string, string>> {
  const text = await git.text([
    'for-each-ref',
    '--format=%(objectname) %(refname)',
    'refs/heads/',
    'refs/tags/',
  ]);
  return new Map(
    text
      .split('\n')
      .filter(Boolean)
      .map((line) => [line.slice(41), line.slice(0, 40)]),
  );
}

/** Loose refs of one folder; null when one of them is not a plain object id. */
function loose(repository: string, folder: string): Map<string, string> | null {
  const entries =
    unlessGone(() => readdirSync(join(repository, folder), { recursive: true, withFileTypes: true })) ?? [];
  const refs = new Map<string, string>();
  for (const entry of entries) {
    if (!entry.isFile() || entry.name.endsWith('.lock')) continue;
    const path = join(entry.parentPath, entry.name);
    // A ref deleted or packed since the listing is found in packed-refs, or nowhere.
    const text = unlessGone(() => readFileSync(path, 'latin1'));
    if (text === null) continue;
    if (!isSha(text.trim())) return null;
    refs.set(path.slice(repository.length + 1).replaceAll('\\', '/'), text.trim());
  }
  return refs;
}

function unlessGone<T>(read: () => T): T | null {
  try {
    return read();
  } catch {
    return null;
  }
}

/**
 * Branches and tags with their object ids. Every API call begins with this, so it reads the files as Git lays them
 * out (loose before packed, in Git's own order) instead of starting a process, and at once, as they are small; anything
 * unusual is left to Git.
 */
export async function readRefs(git: Git): Promise<Map<string, string>> {
  const heads = loose(git.repository, join('refs', 'heads'));
  const tags = loose(git.repository, join('refs', 'tags'));
  if (heads === null || tags === null) return ask(git);
  const packed = unlessGone(() => readFileSync(join(git.repository, 'packed-refs'), 'utf8')) ?? '';
  const refs = new Map<string, string>();
  for (const line of packed.split('\n')) {
    const [sha = '', name = ''] = [line.slice(0, 40), line.slice(41)];
    if (isSha(sha) && /^refs\/(heads|tags)\//.test(name)) refs.set(name, sha);
  }
  for (const [name, sha] of [...heads, ...tags]) refs.set(name, sha);
  return refs;
}
