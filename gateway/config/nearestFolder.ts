import { statSync } from 'node:fs';
import { dirname } from 'node:path';

/** The folder itself or the nearest above it that is there. */
export function nearestFolder(folder: string): string {
  for (let at = folder; ; at = dirname(at))
    if (statSync(at, { throwIfNoEntry: false }) !== undefined || dirname(at) === at) return at;
}
