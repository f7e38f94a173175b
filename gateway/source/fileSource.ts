import { createHash } from 'node:crypto';
import { type FSWatcher, watch } from 'node:fs';
import { open, stat } from 'node:fs/promises';
import { dirname } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Bundle } from '../../bundle/archive/bundle.ts';
import { createLastFound, type Found, type Source, SourceError, takeArchive } from './contract/source.ts';

export type FileSourceOptions = {
  path: string;
  verify: (archive: Buffer) => Promise<Bundle>;
  maxBytes?: number;
  /** How often a refused file that is still changing is read again before its refusal counts. */
  patience?: { tries: number; ms: number };
};

/** One signed archive on disk, replaced by rename or rewritten in place. */
export function fileSource({
  path,
  verify,
  maxBytes = 256 * 2 ** 20,
  patience = { tries: 10, ms: 100 },
}: FileSourceOptions): Source {
  const last = createLastFound();
  const watchers = new Set<FSWatcher>();
  /** What `stat` said when the remembered digest was taken: saves reading the file at each poll. */
  let seen: { mark: string; digest: string } | null = null;

  const look = async (force: boolean): Promise<Found | null> => {
    const before = await markOf(path);
    if (seen?.mark === before && last.check(seen.digest, force) === 'unchanged') return null;
    const archive = await readFileCapped(path, maxBytes);
    const digest = createHash('sha256').update(archive).digest('hex');
    // A file that changed while it was read has no mark: the next look reads it again.
    seen = (await markOf(path)) === before ? { mark: before, digest } : null;
    if (last.check(digest, force) === 'unchanged') return null;
    return takeArchive(archive, verify, (refusal) => last.acknowledge(digest, refusal));
  };

  return {
    kind: 'file',
    name: `file:${path}`,
    eager: false,
    waiting: false,
    async next({ signal, force = false }) {
      for (let left = patience.tries; ; left -= 1) {
        if (signal.aborted) throw new SourceError('aborted', 'stopped');
        const mark = await markOf(path).catch(() => null);
        try {
          return await look(force);
        } catch (error) {
          // Half a file, because someone is still writing it? Then it looks different a moment later.
          if (left === 0 || (error instanceof SourceError && error.code !== 'source-not-found')) throw error;
          await sleep(patience.ms, undefined, { signal }).catch(() => {});
          if ((await markOf(path).catch(() => null)) === mark) throw error;
        }
      }
    },
    watch(onChange) {
      let timer: NodeJS.Timeout | undefined;
      let last: string | null = null;
      // Any event in the folder is a reason to look: a rename, or a symbolic link beside it that moved.
      const look = () => {
        clearTimeout(timer);
        timer = setTimeout(async () => {
          const mark = await markOf(path).catch(() => null);
          if (mark !== null && mark !== last) onChange();
          last = mark;
        }, 20);
      };
      try {
        const watcher = watch(dirname(path), { persistent: false }, look);
        // Watching is a shortcut: where it fails, polling still finds the change.
        watcher.on('error', () => watcher.close());
        watchers.add(watcher);
        return () => {
          clearTimeout(timer);
          watchers.delete(watcher);
          watcher.close();
        };
      } catch {
        return () => {};
      }
    },
    async close() {
      for (const watcher of watchers) watcher.close();
      watchers.clear();
    },
  };
}

/** Tells one state of a file from the next; a symbolic link stands for what it points to. */
async function markOf(path: string): Promise<string> {
  const stats = await stat(path, { bigint: true }).catch((cause) => {
    throw new SourceError('source-not-found', `there is no bundle at ${path}`, { cause });
  });
  // A pipe or a device would keep the reader for ever.
  if (!stats.isFile()) throw new SourceError('source-answer', `${path} is no file`);
  return [stats.dev, stats.ino, stats.size, stats.mtimeNs, stats.ctimeNs].join(' ');
}

async function readFileCapped(path: string, maxBytes: number): Promise<Buffer> {
  const file = await open(path).catch((cause) => {
    throw new SourceError('source-not-found', `the bundle at ${path} cannot be read`, { cause });
  });
  try {
    const { size } = await file.stat();
    if (size > maxBytes)
      throw new SourceError('source-too-large', `${path} is larger than ${maxBytes} bytes`);
    const buffer = Buffer.alloc(size);
    let at = 0;
    while (at < size) {
      const { bytesRead } = await file.read(buffer, at, size - at, at);
      if (bytesRead === 0) break;
      at += bytesRead;
    }
    return buffer.subarray(0, at);
  } finally {
    await file.close();
  }
}
