import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fold } from './grants/names.ts';
import { servicesFile } from './grants/schema.ts';
import { readChecked } from './yaml/readFile.ts';

/** Whether the services of the repository at `root`, as they lie on disk, hold one of that name. */
export async function knowsService(root: string, name: string): Promise<boolean> {
  const path = 'grants/directory/services.yaml';
  const bytes = await readFile(join(root, path)).catch(() => null);
  if (bytes === null) return false;
  const { value } = readChecked(servicesFile, bytes, path);
  return value?.services.some((service) => fold(service.name) === fold(name)) ?? false;
}
