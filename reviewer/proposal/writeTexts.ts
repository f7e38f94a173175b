import { mkdir } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { writeWhole } from '../writeWhole.ts';

/** As an editor leaves them: who may write is what the umask says. */
const mode = 0o666;

/** Writes files below a folder, by their paths in it; each is there whole or as it was. */
export async function writeTexts(root: string, texts: ReadonlyMap<string, string | Buffer>): Promise<void> {
  for (const [file, text] of texts) {
    const path = join(root, file);
    await mkdir(dirname(path), { recursive: true });
    await writeWhole(path, text, mode);
  }
}
