import { startOf } from '../../../bundle/grants/dates.ts';
import { fileKind } from '../../../bundle/grants/fileKinds.ts';
import { readDirectory, readServices } from '../../../bundle/grants/readGrants.ts';
import type { Service } from '../../../bundle/grants/schema.ts';
import type { Aside } from '../commits/readAsides.ts';
import { createDirectoriesAt, type Directories, type DirectoriesAt } from './directoriesAt.ts';
import type { createServices } from './services.ts';

/** What directories and services said on a merged branch, before or after a commit of it. */
export type Beside = {
  directories: Directories;
  /** Where the commit changed services.yaml; none where that cannot be read. */
  services: readonly Service[] | null;
  /** When directories that it changed were read at the latest, seconds since 1970; minus infinity: it changed none. */
  readAt: number;
  moment: DirectoriesAt;
};

type Line = { directories: Directories; services: ReturnType<typeof createServices> };

/** Lays one side of a commit on a merged branch over what the enforced line says. */
export function besideOf(
  line: Line,
  { at, files }: Pick<Aside, 'at' | 'files'>,
  side: 'before' | 'after',
): Beside {
  const directories = new Map(line.directories);
  let services: readonly Service[] | null = null;
  let readAt = Number.NEGATIVE_INFINITY;
  for (const { path, [side]: bytes } of files) {
    const kind = fileKind(path);
    if (kind.kind === 'directory') {
      const file = bytes === null ? null : readDirectory(bytes, path).value;
      if (file === null) directories.delete(kind.provider);
      else if (file !== undefined) directories.set(kind.provider, file);
      if (file) readAt = Math.max(readAt, Math.min(startOf(file.synced), at));
    } else if (kind.kind === 'services') {
      services = bytes === null ? [] : (readServices(bytes, path).value?.services ?? []);
      readAt = at;
    }
  }
  const now = services === null ? line.services : line.services.as(services);
  return { directories, services, readAt, moment: createDirectoriesAt(directories, now) };
}
