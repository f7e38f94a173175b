import { existsSync, readdirSync, statSync } from 'node:fs';
import { basename, join } from 'node:path';
import { isDecisionFile } from '../../gateway/record/decisionFiles.ts';
import { contentOf } from './readLines.ts';

/**
 * Files in folders whose text has a login in it, as it is or as JSON and HTML escape it, in any case; sorted. They are
 * named, not changed: roll-ups name nobody, and a pack is evidence as it was handed out.
 */
export async function findMentions(folders: readonly string[], person: string): Promise<string[]> {
  const login = person.slice('user:'.length).toLowerCase();
  const html = login.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('"', '&quot;');
  const forms = new Set([
    login,
    login.normalize('NFC'),
    JSON.stringify(login).slice(1, -1),
    html,
    html.replaceAll("'", '&#39;'),
  ]);
  const found: string[] = [];
  for (const folder of folders)
    for (const path of filesBelow(folder)) if (await mentions(path, forms)) found.push(path);
  return found.sort();
}

/** Evidence in a folder that no decision file's name has: it is read by reviews, and erased by nobody. */
export function otherEvidence(folder: string): string[] {
  return filesBelow(folder).filter(
    (path) => /\.(?:ndjson(?:\.gz|\.zst)?|parquet)$/.test(path) && !isDecisionFile(basename(path)),
  );
}

function filesBelow(folder: string): string[] {
  if (!existsSync(folder)) return [];
  if (!statSync(folder).isDirectory()) return [folder];
  return readdirSync(folder, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => join(entry.parentPath, entry.name));
}

async function mentions(path: string, forms: ReadonlySet<string>): Promise<boolean> {
  const longest = Math.max(...[...forms].map((form) => form.length));
  let rest = '';
  for await (const piece of contentOf(path).setEncoding('utf8')) {
    const text = `${rest}${piece}`.toLowerCase();
    for (const form of forms) if (text.includes(form)) return true;
    rest = text.slice(-longest);
  }
  return false;
}
