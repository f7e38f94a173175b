import { crc32 } from 'node:zlib';
import { canonicalJson, compareCodePoints } from '../format/canonicalJson.ts';
import type { Tree } from '../git/tree.ts';
import { fileKind } from '../grants/fileKinds.ts';
import { parametersOf } from '../openapi/parameters.ts';
import type { ApiScope } from './compileAccess.ts';
import { openCompilePool } from './compilePool.ts';
import type { CompileStore } from './compileStore.ts';
import {
  decodeFragment,
  decodeHead,
  encodeFragment,
  type Fragment,
  type FragmentNames,
  headLength,
} from './fragment.ts';
import { mergeFragments } from './mergeFragments.ts';

/** An access file; `id` is that of its content. */
export type AccessFile = { path: string; id: string; size: number };

/** All that is granted of one API. */
export type Section = {
  api: string;
  paths: readonly string[];
  names: FragmentNames;
  /** Its lines, or null: they are kept, under `key`, as `length` bytes from `start`. */
  lines: Buffer | null;
  key: string;
  start: number;
  length: number;
  crc: number;
};

type Job = {
  scope: ApiScope;
  files: readonly AccessFile[];
  key: string;
  parts: Fragment[];
  left: number;
  /** One of its files has problems: the section is for looking at only and must not be kept. */
  refused: boolean;
};

type Options = {
  tree: Tree;
  files: readonly AccessFile[];
  apis: ReadonlyMap<string, ApiScope>;
  store: CompileStore;
};

/**
 * Compiles access files API by API; only what the store does not know is read. `refused` are the files that have
 * problems, and those of APIs that are not there or have problems.
 */
export async function compileSections({ tree, files, apis, store }: Options) {
  const sections: Section[] = [];
  const refused: string[] = [];
  const missing = new Map<string, { job: Job; key: string }>();
  for (const [api, own] of byApi(files)) {
    const known = apis.get(api);
    if (known === undefined) {
      refused.push(...own.map(({ path }) => path));
      continue;
    }
    const scope = { name: known.name, operations: known.operations, roles: known.roles };
    const scoped = [
      api,
      canonicalJson(Object.fromEntries(scope.roles)),
      canonicalJson([...scope.operations].map(([name, form]) => [name, ...parametersOf(form)]).sort()),
    ];
    const key = store.keyOf('section', ...scoped, ...own.map(({ id }) => id));
    const kept = keptSection(store, api, own, key);
    if (kept !== null) {
      sections.push(kept);
      continue;
    }
    const job: Job = { scope, files: own, key, parts: [], left: own.length, refused: false };
    for (const file of own) {
      const fileKey = store.keyOf('file', ...scoped, file.id);
      const bytes = store.get('file', fileKey);
      const part = bytes === null ? null : decodeFragment(bytes);
      if (part === null) missing.set(file.path, { job, key: fileKey });
      else {
        job.parts.push(part);
        job.left -= 1;
      }
    }
    if (job.left === 0) sections.push(joined(job, store));
  }

  const sizes = new Map(files.map(({ path, size }) => [path, size]));
  const pool = openCompilePool([...missing.keys()].reduce((sum, path) => sum + (sizes.get(path) ?? 0), 0));
  const underway = new Set<Promise<void>>();
  const compileOne = async (path: string, bytes: Buffer) => {
    const found = missing.get(path);
    if (found === undefined) return;
    const { job, key } = found;
    const { fragment, refused: isRefused } = await pool.compile(bytes, path, job.scope);
    job.parts.push(fragment);
    job.left -= 1;
    if (isRefused) {
      job.refused = true;
      refused.push(path);
    } else store.put('file', key, encodeFragment(fragment));
    if (job.left === 0) sections.push(joined(job, store));
  };
  try {
    for await (const [path, bytes] of missing.size === 0 ? [] : tree.stream([...missing.keys()])) {
      const work = compileOne(path, bytes).finally(() => underway.delete(work));
      underway.add(work);
      // Its failure is met where it is waited for.
      work.catch(() => {});
      if (underway.size >= pool.width) await Promise.race(underway);
    }
    await Promise.all(underway);
  } finally {
    await pool.close();
  }
  return { sections, refused };
}

function byApi(files: readonly AccessFile[]): [string, AccessFile[]][] {
  const groups = new Map<string, AccessFile[]>();
  for (const file of files) {
    const found = fileKind(file.path);
    if (found.kind !== 'access') continue;
    const group = groups.get(found.api);
    if (group) group.push(file);
    else groups.set(found.api, [file]);
  }
  return [...groups].sort(([a], [b]) => compareCodePoints(a, b));
}

/** Joins a job's parts, keeps the section, and lets go of its lines where they are kept. */
function joined({ scope, files, key, parts, refused }: Job, store: CompileStore): Section {
  const merged = mergeFragments(parts);
  parts.length = 0;
  const { lines, ...names } = merged;
  const encoded = encodeFragment(merged);
  const kept = !refused && store.put('section', key, encoded);
  return {
    api: scope.name,
    paths: files.map(({ path }) => path),
    names,
    lines: kept ? null : lines,
    key,
    start: encoded.length - lines.length,
    length: lines.length,
    crc: crc32(lines),
  };
}

function keptSection(
  store: CompileStore,
  api: string,
  files: readonly AccessFile[],
  key: string,
): Section | null {
  let head = Buffer.alloc(64 * 1024);
  head = head.subarray(0, store.read('section', key, 0, head));
  const length = headLength(head);
  if (length === null) return null;
  if (length > head.length) {
    head = Buffer.alloc(length);
    store.read('section', key, 0, head);
  }
  const found = decodeHead(head);
  return found && { ...found, api, key, paths: files.map(({ path }) => path), lines: null };
}
