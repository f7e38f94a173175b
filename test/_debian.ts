import { execFile } from 'node:child_process';
import { existsSync } from 'node:fs';
import { readdir } from 'node:fs/promises';
import { delimiter, join } from 'node:path';
import { promisify } from 'node:util';
import { cacheFolder } from '../bundle/cacheFolder.ts';
import { installOnce } from './_installOnce.ts';

const run = promisify(execFile);

/** A program and what its environment needs, so that it finds its libraries. */
export type Program = { path: string; env: NodeJS.ProcessEnv };

/**
 * A program by its name: from PATH, else out of Debian packages (its own and those of its libraries) unpacked into the
 * user's cache, without installing anything. `proof` are arguments with which it ends well. Null where it cannot be had.
 */
export async function debianProgram(
  name: string,
  packages: readonly string[],
  proof: readonly string[],
): Promise<Program | null> {
  const works = async ({ path, env }: Program) =>
    existsSync(path) &&
    run(path, [...proof], { env, timeout: 20_000 }).then(
      () => true,
      () => false,
    );
  const { PATH = '' } = process.env;
  for (const folder of [...PATH.split(delimiter), '/usr/sbin', '/usr/local/sbin']) {
    const installed = { path: join(folder, name), env: { PATH } };
    if (await works(installed)) return installed;
  }
  const folder = join(cacheFolder(), 'debian', name);
  const unpacked = async (): Promise<Program> => {
    const libraries = await readdir(join(folder, 'usr/lib')).catch(() => []);
    const places = libraries.map((library) => join(folder, 'usr/lib', library));
    const paths = ['usr/bin', 'bin'].map((below) => join(folder, below, name));
    const path = paths.find((one) => existsSync(one)) ?? join(folder, name);
    return { path, env: { PATH, LD_LIBRARY_PATH: places.join(delimiter) } };
  };
  const isThere = await installOnce(
    folder,
    async () => works(await unpacked()),
    async (fresh) => {
      await run('apt-get', ['download', ...packages], { cwd: fresh, timeout: 120_000 });
      for (const file of await readdir(fresh)) await run('dpkg', ['-x', join(fresh, file), fresh]);
    },
  );
  return isThere ? unpacked() : null;
}
