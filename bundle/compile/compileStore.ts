import { createHash, randomUUID } from 'node:crypto';
import {
  closeSync,
  fstatSync,
  futimesSync,
  lstatSync,
  mkdirSync,
  openSync,
  readdirSync,
  readFileSync,
  readSync,
  renameSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

/** `file`: an access file compiled; `section`: all of an API's; `directory`: people and services; `document`: its lines. */
export type StoreKind = 'file' | 'section' | 'directory' | 'document';

/**
 * What was compiled before, kept on disk by a hash of all that went into it. It may be deleted, shared by processes,
 * and left half-written by one that was killed: then there is nothing, and the work is done again.
 */
export type CompileStore = {
  keyOf: (...parts: readonly string[]) => string;
  get: (kind: StoreKind, key: string) => Buffer | null;
  /** Reads part of an entry: at `from`, as much as fits into `into`; how much that was. */
  read: (kind: StoreKind, key: string, from: number, into: Buffer) => number;
  /** Whether it could be kept. */
  put: (kind: StoreKind, key: string, bytes: Buffer) => boolean;
  /** Removes what nobody has used for long, once in a while. */
  prune: () => void;
};

const hourMs = 3_600_000;
/** A section is written anew at each change of its API, and is quickly joined again from files. */
const keptFor: Readonly<Record<StoreKind, number>> = {
  file: 168 * hourMs,
  section: 3 * hourMs,
  directory: 24 * hourMs,
  document: 24 * hourMs,
};

/** `bundle/`: everything below it may change what is compiled, and so may the packages. */
const compiler = fileURLToPath(new URL('..', import.meta.url));

/** Tells one version of the compiler from another: the names and contents of all its sources, and its packages. */
export function compilerVersion(folder: string = compiler): string {
  const hash = createHash('sha256');
  const sources = readdirSync(folder, { recursive: true, encoding: 'utf8' }).filter((name) =>
    /\.[jt]s$/.test(name),
  );
  for (const name of [...sources.sort(), '../package.json']) {
    const content = readFileSync(join(folder, name));
    hash.update(`${name} ${content.length}:`).update(content);
  }
  return hash.digest('hex');
}

/** That of this process: its own sources as it began, whatever is installed in their place while it runs. Takes 3 ms. */
const runningVersion = compilerVersion();

/** Where others could write, they could grant themselves access. */
function isOurs(folder: string): boolean {
  try {
    mkdirSync(folder, { recursive: true, mode: 0o700 });
    const { uid, mode } = lstatSync(folder);
    return process.getuid === undefined || (uid === process.getuid() && (mode & 0o022) === 0);
  } catch {
    return false;
  }
}

/** Opens the store in `folder`, or one that keeps nothing where that folder cannot be trusted or had. */
export function openCompileStore(folder: string | null, now: () => number = Date.now): CompileStore {
  const version = runningVersion;
  const keyOf = (...parts: readonly string[]) => {
    const hash = createHash('sha256').update(version);
    for (const part of parts) hash.update(`${Buffer.byteLength(part)}:`).update(part);
    return hash.digest('hex');
  };
  if (folder === null || !isOurs(folder))
    return { keyOf, get: () => null, read: () => 0, put: () => false, prune: () => {} };
  const pathOf = (kind: StoreKind, key: string) => join(folder, kind, key.slice(0, 2), key);

  /** Opens an entry, and notes that it is in use. */
  const open = <T>(kind: StoreKind, key: string, use: (file: number, size: number) => T): T | null => {
    let file: number;
    try {
      file = openSync(pathOf(kind, key), 'r');
    } catch {
      return null;
    }
    try {
      const { size, mtimeMs } = fstatSync(file);
      if (now() - mtimeMs > keptFor[kind] / 4) futimesSync(file, now() / 1000, now() / 1000);
      return use(file, size);
    } catch {
      return null;
    } finally {
      closeSync(file);
    }
  };

  return {
    keyOf,
    get: (kind, key) => open(kind, key, (file) => readFileSync(file)),
    read: (kind, key, from, into) =>
      open(kind, key, (file) => {
        let at = 0;
        while (at < into.length) {
          const read = readSync(file, into, at, into.length - at, from + at);
          if (read === 0) break;
          at += read;
        }
        return at;
      }) ?? 0,
    put(kind, key, bytes) {
      const path = pathOf(kind, key);
      const partial = `${path}.${randomUUID()}.partial`;
      try {
        mkdirSync(join(path, '..'), { recursive: true, mode: 0o700 });
        writeFileSync(partial, bytes, { mode: 0o600 });
        renameSync(partial, path);
        return true;
      } catch {
        rmSync(partial, { force: true });
        return false;
      }
    },
    prune() {
      const mark = join(folder, 'pruned');
      const last = statSync(mark, { throwIfNoEntry: false })?.mtimeMs ?? 0;
      if (Math.abs(now() - last) < hourMs / 2) return;
      try {
        writeFileSync(mark, '');
      } catch {
        // Then nothing can be removed either.
        return;
      }
      for (const kind of Object.keys(keptFor) as StoreKind[])
        removeOld(join(folder, kind), now() - keptFor[kind]);
    },
  };
}

function removeOld(folder: string, beforeMs: number): void {
  try {
    for (const name of readdirSync(folder, { recursive: true, encoding: 'utf8' })) {
      const path = join(folder, name);
      const stats = statSync(path, { throwIfNoEntry: false });
      if (stats?.isFile() && stats.mtimeMs < beforeMs) rmSync(path, { force: true });
    }
  } catch {
    // There are none of this kind, or somebody else removes the same: the next one tries.
  }
}
