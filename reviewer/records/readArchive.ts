import { basename, dirname } from 'node:path';
import { messageOf } from '../../bundle/format/messageOf.ts';
import { manifestName } from '../../gateway/record/lastPruned.ts';
import { findLogs } from '../evidence/findLogs.ts';
import { stopIfAborted } from '../reviewError.ts';
import { type Manifest, readManifest } from './manifest.ts';
import { type FileFacts, scanFile } from './scanFile.ts';

/** Everything that lies of one instance. */
export type Archive = {
  instance: string;
  files: readonly FileFacts[];
  manifests: readonly Manifest[];
  unreadable: readonly { path: string; reason: string }[];
};

/** Reads all decision files and manifests in folders, by instance. Throws ReviewError `decisions-unreadable`, `aborted`. */
export async function readArchives(
  folders: readonly string[],
  signal?: AbortSignal,
  progress: (line: string) => void = () => {},
): Promise<Archive[]> {
  type Found = { files: FileFacts[]; manifests: Manifest[]; unreadable: { path: string; reason: string }[] };
  const found = new Map<string, Found>();
  const of = (instance: string): Found => {
    const known = found.get(instance) ?? { files: [], manifests: [], unreadable: [] };
    found.set(instance, known);
    return known;
  };
  for (const path of await findLogs(folders)) {
    stopIfAborted(signal);
    if (basename(path) === manifestName) continue;
    progress(`reading ${path}`);
    try {
      const facts = await scanFile(path);
      of(facts.instance).files.push(facts);
    } catch (error) {
      of(basename(dirname(path))).unreadable.push({ path, reason: reasonOf(error) });
    }
  }
  for (const path of await findLogs(folders, (name) => basename(name) === manifestName)) {
    if (basename(path) !== manifestName) continue;
    const manifest = readManifest(path);
    of(manifest.instance ?? basename(dirname(path))).manifests.push(manifest);
  }
  return [...found]
    .sort(([a], [b]) => (a < b ? -1 : 1))
    .map(([instance, archive]) => ({ instance, ...archive }));
}

export const reasonOf = (error: unknown): string => messageOf(error).split('\n')[0]?.slice(0, 200) ?? '';
