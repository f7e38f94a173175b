import { mkdir, mkdtemp, rename, rm } from 'node:fs/promises';
import { dirname } from 'node:path';

/**
 * A folder that stays between runs: made by `fill` where what lies there does not work, whole or not at all. Whether it
 * works now; false where it cannot be made, as without a network.
 */
export async function installOnce(
  folder: string,
  works: () => Promise<boolean>,
  fill: (fresh: string) => Promise<void>,
): Promise<boolean> {
  if (await works()) return true;
  await mkdir(dirname(folder), { recursive: true });
  const fresh = await mkdtemp(`${folder}.`);
  try {
    await fill(fresh);
    // Another test file may have been faster, and be running it.
    if (await works()) return true;
    await rm(folder, { recursive: true, force: true });
    await rename(fresh, folder);
  } catch {
    return false;
  } finally {
    await rm(fresh, { recursive: true, force: true });
  }
  return works();
}
