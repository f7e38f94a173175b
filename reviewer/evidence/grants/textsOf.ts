import { readAccess } from '../../../bundle/grants/readGrants.ts';

const idLine = /^(?:- | {2})id: *(["']?)([a-z0-9][a-z0-9-]{2,119})\1 *(?:#.*)?\r?$/gm;

/** Cuts a file into its grants' texts where it is plainly written; null where only a parser can. */
function cut(text: string): Map<string, string> | null {
  const parts = text.split(/^(?=- )/m);
  const found = new Map<string, string>();
  for (const part of parts) {
    if (!part.startsWith('- ')) {
      if (/^[^#\s]/m.test(part)) return null;
      continue;
    }
    const ids = [...part.matchAll(idLine)];
    const [id] = ids;
    if (ids.length !== 1 || id?.[2] === undefined || found.has(id[2]) || /^[^\s#-]|^-(?! )/m.test(part))
      return null;
    found.set(id[2], part);
  }
  return found;
}

/** Id → text of each grant in a file. */
export function textsOf(bytes: Buffer): Map<string, string> {
  const text = bytes.toString('utf8');
  const plain = cut(text);
  if (plain !== null) return plain;
  return new Map(readAccess(bytes, '', '').entries.map(({ entry }) => [entry.id, JSON.stringify([entry])]));
}
