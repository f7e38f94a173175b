import { mkdtemp, readdir, rm, stat } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { isAlive } from '../bundle/isAlive.ts';

/** What a folder is for. */
type Use = 'review' | 'usage' | 'sources' | 'places' | 'console';

const ours = /^grantgate-(?:review|usage|sources|places|console)-([1-9]\d{0,9})-/;

/**
 * A fresh folder for this process, for its maker to take away. What killed runs have left behind is taken away, too:
 * records may be large.
 */
export async function temporaryFolder(use: Use): Promise<string> {
  const parent = tmpdir();
  await sweep(parent, Date.now());
  return mkdtemp(join(parent, `grantgate-${use}-${process.pid}-`));
}

/** Folders of processes that are gone, an hour old at least. */
async function sweep(parent: string, nowMs: number): Promise<void> {
  for (const name of await readdir(parent).catch(() => [])) {
    const pid = Number(ours.exec(name)?.[1]);
    if (!Number.isInteger(pid) || isAlive(pid)) continue;
    const folder = join(parent, name);
    const known = await stat(folder).catch(() => null);
    if (known !== null && known.mtimeMs < nowMs - 3_600_000)
      await rm(folder, { recursive: true, force: true }).catch(() => {});
  }
}
