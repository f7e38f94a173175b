import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

/** Where a demo keeps what its callers show, below its folder. */
export const tokensFolder = 'tokens';

/** The file of a login's or service's token. */
export const tokenFile = (folder: string, name: string): string =>
  join(folder, tokensFolder, name.replace(/[^A-Za-z0-9@._-]/g, '_'));

/** Writes each token to a file of its name: commands that read it from there fit on a line. For their user's eyes only. */
export function writeTokens(folder: string, tokens: Readonly<Record<string, string>>): void {
  mkdirSync(join(folder, tokensFolder), { recursive: true, mode: 0o700 });
  for (const [name, token] of Object.entries(tokens))
    writeFileSync(tokenFile(folder, name), token, { mode: 0o600 });
}
