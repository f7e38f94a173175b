import { join } from 'node:path';
import { crc32 } from 'node:zlib';
import { BundleError } from '../bundleError.ts';
import { cacheFolder } from '../cacheFolder.ts';
import { isData } from '../documents/dataFile.ts';
import { type KeptLines, type ReadDocuments, readDocuments } from '../documents/readDocuments.ts';
import { canonicalJson, compareCodePoints } from '../format/canonicalJson.ts';
import { blobId } from '../git/blobId.ts';
import { type Entry, partOf, type Tree } from '../git/tree.ts';
import { fileKind } from '../grants/fileKinds.ts';
import { load } from '../grants/load.ts';
import { fold } from '../grants/names.ts';
import type { Api } from '../grants/organisation.ts';
import { mostBytesOf, readGrants } from '../grants/readGrants.ts';
import { resolveApis } from '../grants/resolveApis.ts';
import { resolveDirectory } from '../grants/resolveDirectory.ts';
import { reviewReferences } from '../grants/reviewReferences.ts';
import { formatProblem, sortProblems } from '../yaml/problem.ts';
import {
  compile,
  type DirectoryText,
  type DocumentLines,
  directoryText,
  documentParts,
  type Frame,
  frame,
  isOpen,
  publicLine,
} from './compile.ts';
import { type AccessFile, compileSections, type Section } from './compileSections.ts';
import { type CompileStore, openCompileStore } from './compileStore.ts';
import { hashId } from './fragment.ts';
import { seal, unseal } from './seal.ts';

/** data.json of a tree, in shared memory, and how many grants it holds. */
export type CompiledData = { data: Buffer; grants: number };

const isAccess = ({ path, kind, size }: Entry) =>
  kind === 'file' && fileKind(path).kind === 'access' && size <= mostBytesOf('access');
const isDirectory = ({ path }: Entry) => ['directory', 'services'].includes(fileKind(path).kind);

/** A section that was there a moment ago is gone: somebody cleans up the cache. */
class GoneError extends Error {
  override readonly name = 'GoneError';
}

/**
 * Compiles what a tree grants, as `compile` does with all of it in memory: the same bytes, and the same problems. Work
 * done before is found again by the content of files, in `cache` (a folder; the user's when left out, none when null),
 * so a change to one file costs that file and its API. Throws BundleError `grants-invalid` with the problems, and what
 * reading the tree throws.
 */
export async function compileTree(
  tree: Tree,
  cache: string | null = join(cacheFolder(), 'grants'),
): Promise<CompiledData> {
  try {
    return await compileWith(tree, openCompileStore(cache));
  } catch (error) {
    if (error instanceof GoneError) return compileWith(tree, openCompileStore(null));
    throw error;
  }
}

async function compileWith(tree: Tree, store: CompileStore): Promise<CompiledData> {
  const entries = await tree.entries();
  const files = await identify(tree, entries.filter(isAccess));
  const read = await readGrants(partOf(tree, (entry) => !isAccess(entry) && !isDirectory(entry)));
  const { apis, broken, problems } = resolveApis(read);
  const directory = await compileDirectory(tree, store);
  const { sections, refused } = await compileSections({ tree, files, apis, store });
  const kept = keptDocuments(store);
  const found = await readDocuments(tree, kept);

  const suspects = new Set(refused);
  const suspect = (wrong: (section: Section) => boolean) => {
    for (const section of sections) if (wrong(section)) for (const path of section.paths) suspects.add(path);
  };
  const services = new Set(directory?.services ?? []);
  if (directory !== null) suspect(({ names }) => names.services.some((name) => !services.has(name)));
  const networks = new Map(Object.entries(read.networks?.value ?? {}));
  suspect(({ names }) => names.networks.some((name) => !networks.has(name)));
  const ids = sortedIds(sections);
  const repeated = repeatedIds(ids);
  if (repeated.size > 0) suspect(({ names }) => names.ids.some((id) => repeated.has(id)));
  const known = { has: (id: string) => holds(ids, hashId(id)) };
  const references = reviewReferences(read, { apis, broken }, known);

  if (
    [...suspects, ...read.problems, ...problems, ...references, ...found.problems].length > 0 ||
    directory === null
  )
    return refuse(tree, suspects, known, found);
  store.prune();
  return {
    data: assembleData(
      frame({ apis, networks }, directory),
      found.documents,
      withPublic(sections, apis),
      store,
    ),
    grants: ids.length,
  };
}

/**
 * Says what is wrong, from the files that something is wrong with and everything but other access files. Where nothing
 * is (two ids may have one hash), the tree is compiled the plain way.
 */
async function refuse(
  tree: Tree,
  suspects: ReadonlySet<string>,
  others: { has(id: string): boolean },
  data: ReadDocuments,
): Promise<CompiledData> {
  const part = partOf(tree, (entry) => !isAccess(entry) || suspects.has(entry.path));
  const found = [...(await load(part, others)).problems, ...data.problems];
  const { organisation, problems } =
    found.length > 0 ? { organisation: null, problems: sortProblems(found) } : await load(tree);
  if (organisation !== null)
    return { data: compile(organisation, data.documents), grants: organisation.grants.length };
  throw new BundleError(
    'grants-invalid',
    `${problems.every(({ file }) => isData(file)) ? 'data' : 'grants'}/ has ${problems.length} problem(s), the first: ${problems[0] ? formatProblem(problems[0]) : ''}`,
    { problems },
  );
}

/** Files on disk get the ids that Git would give them. */
async function identify(tree: Tree, entries: readonly Entry[]): Promise<AccessFile[]> {
  const ids = new Map<string, string>();
  const nameless = entries.filter(({ id }) => id === null).map(({ path }) => path);
  for await (const [path, bytes] of nameless.length === 0 ? [] : tree.stream(nameless))
    ids.set(path, blobId(bytes, null));
  return entries.map(({ path, id, size }) => ({ path, size, id: id ?? ids.get(path) ?? '' }));
}

type CompiledDirectory = DirectoryText & { services: readonly string[] };

/** Null when people, groups or services have problems. */
async function compileDirectory(tree: Tree, store: CompileStore): Promise<CompiledDirectory | null> {
  const part = partOf(tree, isDirectory);
  const entries = await part.entries();
  const found = await identify(
    part,
    entries.filter(({ kind }) => kind === 'file'),
  );
  const key = store.keyOf('directory', ...found.flatMap(({ path, id }) => [path, id]));
  const kept = store.get('directory', key);
  const text = kept && unseal(kept);
  if (text !== null) return JSON.parse(text.toString()) as CompiledDirectory;
  const compiled = await readCompiled(part, entries.length === 0);
  if (compiled === null) return null;
  store.put('directory', key, seal(Buffer.from(JSON.stringify(compiled))));
  return compiled;
}

/** Files on disk, which have no id, are read each time. */
function keptDocuments(store: CompileStore): KeptLines {
  const keyOf = ({ document, schema }: Parameters<KeptLines['get']>[0]) =>
    document.id === null || schema.id === null
      ? null
      : store.keyOf('document', document.id, schema.path, schema.id);
  return {
    get(files) {
      const key = keyOf(files);
      const bytes = key === null ? null : store.get('document', key);
      return bytes && unseal(bytes);
    },
    put(files, lines) {
      const key = keyOf(files);
      if (key !== null) store.put('document', key, seal(lines));
    },
  };
}

async function readCompiled(part: Tree, empty: boolean): Promise<CompiledDirectory | null> {
  const read = await readGrants(part);
  const { directory, problems } = resolveDirectory(read);
  // Without any such file the reading says that grants/ is empty, which it need not be.
  if ((!empty && read.problems.length > 0) || problems.length > 0) return null;
  return { ...directoryText(directory), services: [...directory.services.keys()].map(fold) };
}

function sortedIds(sections: readonly Section[]): BigUint64Array {
  const ids = new BigUint64Array(sections.reduce((sum, { names }) => sum + names.ids.length, 0));
  let at = 0;
  for (const { names } of sections) {
    ids.set(names.ids, at);
    at += names.ids.length;
  }
  return ids.sort();
}

function repeatedIds(sorted: BigUint64Array): ReadonlySet<bigint> {
  const repeated = new Set<bigint>();
  for (let at = 1; at < sorted.length; at += 1) {
    const id = sorted[at];
    if (id !== undefined && id === sorted[at - 1]) repeated.add(id);
  }
  return repeated;
}

function holds(sorted: BigUint64Array, id: bigint): boolean {
  let low = 0;
  let high = sorted.length;
  while (low < high) {
    const middle = (low + high) >>> 1;
    if ((sorted[middle] ?? 0n) < id) low = middle + 1;
    else high = middle;
  }
  return sorted[low] === id;
}

type Opened = Section & { publicLine: string };

/** Sections with the public operations of their APIs; also of those that nothing else is granted of. */
function withPublic(sections: readonly Section[], apis: ReadonlyMap<string, Api>): Opened[] {
  const lineOf = (api: Api | undefined) => (api !== undefined && isOpen(api) ? publicLine(api) : '');
  const written = new Set(sections.filter(({ length }) => length > 0).map(({ api }) => api));
  const names = { ids: new BigUint64Array(), services: [], networks: [] };
  const bare = { names, paths: [], lines: Buffer.alloc(0), key: '', start: 0, length: 0, crc: 0 };
  return [
    ...sections.filter(({ length }) => length > 0),
    ...[...apis.values()].flatMap((api) =>
      isOpen(api) && !written.has(api.name) ? [{ ...bare, api: api.name }] : [],
    ),
  ].map((section) => ({ ...section, publicLine: lineOf(apis.get(section.api)) }));
}

/** Puts data.json together in shared memory, each section straight from where it is kept. */
function assembleData(
  around: Frame,
  documents: readonly DocumentLines[],
  all: readonly Opened[],
  store: CompileStore,
) {
  const sections = [...all]
    .sort((a, b) => compareCodePoints(a.api, b.api))
    .map((section, index) => ({
      ...section,
      opening: `${index === 0 ? '' : ','}${canonicalJson(section.api)}:{\n${section.publicLine}${section.publicLine !== '' && section.length > 0 ? ',\n' : ''}`,
    }));
  const size = sections.reduce((sum, { opening, length }) => sum + opening.length + length + 2, 0);
  const before = [Buffer.from(around.before), ...documentParts(documents), Buffer.from(around.grants)];
  const after = Buffer.from(around.after);
  const length = before.reduce((sum, part) => sum + part.length, size + after.length);
  const data = Buffer.from(new SharedArrayBuffer(length));
  let at = 0;
  for (const part of before) at += part.copy(data, at);
  for (const { opening, lines, key, start, length, crc } of sections) {
    at += data.write(opening, at);
    const target = data.subarray(at, at + length);
    if (lines !== null) lines.copy(target);
    else if (store.read('section', key, start, target) !== length || crc32(target) !== crc)
      throw new GoneError();
    at += length;
    at += data.write('\n}', at);
  }
  after.copy(data, at);
  return data;
}
