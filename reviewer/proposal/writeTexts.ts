import { mkdir, rename, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';

/** Writes files below a folder; each is there whole or as it was. */
export async function writeTexts(root: string, texts: ReadonlyMap<string, string | Buffer>): Promise<void> {
  for (const [file, text] of texts) {
    const path = join(root, file);
    await mkdir(dirname(path), { recursive: true });
    const beside = join(dirname(path), `.${process.pid}.grantgate`);
    await writeFile(beside, text);
    await rename(beside, path);
  }
}
