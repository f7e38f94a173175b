import { readAccess } from '../../../bundle/grants/readGrants.ts';
import type { GrantEntry } from '../../../bundle/grants/schema.ts';
import { textsOf } from './textsOf.ts';

/** Files below grants/access/ as they are at a moment. Of each its bytes are kept and nothing of the grants in it: there may be a million. */
export function createGrantFiles() {
  const files = new Map<string, Buffer>();
  let last: { text: string; entry: GrantEntry | null } | null = null;
  /** Reads a grant's text, once for the two times that it is compared; null where it cannot be read. */
  const parse = (text: string): GrantEntry | null => {
    if (last?.text !== text)
      last = { text, entry: readAccess(Buffer.from(text), '', '').entries[0]?.entry ?? null };
    return last.entry;
  };
  return {
    parse,
    /** Id → text of each grant in a file; null where there is no such file. */
    texts(path: string): Map<string, string> | null {
      const bytes = files.get(path);
      return bytes === undefined ? null : textsOf(bytes);
    },
    /** `null`: it is gone. */
    replace(path: string, bytes: Buffer | null): void {
      files.delete(path);
      if (bytes !== null) files.set(path, bytes);
    },
    /** Grants in whose text a word stands; of files without it none is read. */
    *withWord(word: string): Generator<readonly [id: string, entry: GrantEntry]> {
      for (const bytes of files.values()) {
        if (!bytes.includes(word)) continue;
        for (const [id, text] of textsOf(bytes)) {
          const entry = text.includes(word) ? parse(text) : null;
          if (entry !== null) yield [id, entry];
        }
      }
    },
  };
}
