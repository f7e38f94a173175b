// `node bundle/grants/writeSchemas.ts` writes grants/schema/ anew after a change to the definition; a test says when it is due.
import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { jsonSchemas } from './jsonSchemas.ts';

/** Writes every schema into a folder. */
async function writeSchemas(folder: string): Promise<void> {
  await mkdir(folder, { recursive: true });
  for (const [name, text] of jsonSchemas()) await writeFile(join(folder, name), text);
}

if (import.meta.main) await writeSchemas(fileURLToPath(new URL('../../grants/schema', import.meta.url)));
