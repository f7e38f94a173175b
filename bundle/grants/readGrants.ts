import type { Problem } from '../bundleError.ts';
import { readRendered } from '../directory/readRendered.ts';
import { createIntern, detached } from '../format/detached.ts';
import type { Files } from '../git/tree.ts';
import { type Document, mostDocumentBytes, readDocument, refusedDocument } from '../openapi/readDocument.ts';
import type { Places } from '../yaml/places.ts';
import { problem, show } from '../yaml/problem.ts';
import { type ReadFile, readChecked, readYaml } from '../yaml/readFile.ts';
import { type FileKind, fileKind } from './fileKinds.ts';
import { type ReviewRules, reviewFile } from './reviewRules.ts';
import {
  type ApiFile,
  accessFile,
  apiFile,
  type DirectoryFile,
  directoryFile,
  type GrantEntry,
  grant,
  networksFile,
  type Service,
  servicesFile,
} from './schema.ts';

const MiB = 1024 * 1024;
/** Files written by programs may be larger than those written by hand. */
const mostBytes: Readonly<Record<string, number>> = { openapi: mostDocumentBytes, directory: 64 * MiB };
const directoryLimits = { bytes: 64 * MiB, depth: 20 };
/** Bytes that a file of a kind may have. */
export const mostBytesOf = (kind: FileKind['kind']): number => mostBytes[kind] ?? MiB;

/** An access file; `entries` are those grants that are right by themselves, with their place in the list. */
export type AccessRead = ReadFile<readonly GrantEntry[]> & {
  api: string;
  entries: readonly { index: number; entry: GrantEntry }[];
};

/** Every file under grants/, each read by itself. What a file is missing or wrong in is in `problems`. */
export type GrantsRead = {
  apis: (ReadFile<ApiFile> & { name: string })[];
  /** OpenAPI documents, and what they refer to. */
  openapi: Map<string, Document>;
  access: AccessRead[];
  directories: (ReadFile<DirectoryFile> & { provider: string })[];
  services: ReadFile<{ services: readonly Service[] }> | null;
  networks: ReadFile<Readonly<Record<string, readonly string[]>>> | null;
  review: ReadFile<ReviewRules> | null;
  problems: Problem[];
};

/** Reads one access file. A mistake in one grant does not hide the others from the checks across files. */
export function readAccess(bytes: Buffer, file: string, api: string): AccessRead {
  const read = readChecked(accessFile, bytes, file, { empty: [] });
  const entries =
    read.value?.map((entry, index) => ({ index, entry })) ??
    read.list.flatMap((item, index) => {
      const result = grant.safeParse(item);
      return result.success ? [{ index, entry: result.data }] : [];
    });
  return { ...read, api, entries };
}

/** One API's file. */
export const readApi = (bytes: Buffer, file: string) => readChecked(apiFile, bytes, file);
/** grants/directory/services.yaml. */
export const readServices = (bytes: Buffer, file: string) => readChecked(servicesFile, bytes, file);
/** grants/networks.yaml. */
export const readNetworks = (bytes: Buffer, file: string) =>
  readChecked(networksFile, bytes, file, { empty: {} });
/** One provider's file. */
export const readDirectory = (bytes: Buffer, file: string) =>
  readChecked(directoryFile, bytes, file, { limits: directoryLimits, shortcut: readRendered });

/**
 * The same file without all of its places, which take several times what the grants do: those of its grants and their ids
 * are kept, the others found again where something is to be said of them.
 */
function withoutPlaces(
  { list: _, ...read }: AccessRead & { list?: unknown },
  bytes: Buffer,
  intern: (text: string) => string,
): AccessRead {
  if (read.problems.length > 0) return read;
  const entries = read.entries.map(({ index, entry }) => ({ index, entry: withOwnTexts(entry, intern) }));
  const value = read.value && entries.map(({ entry }) => entry);
  return { ...read, value, entries, places: fewPlaces(placesOfGrants(read), read.file, bytes) };
}

/** The same grant, with no text in it that keeps its file's in memory; those that many grants have are one. */
function withOwnTexts(entry: GrantEntry, intern: (text: string) => string): GrantEntry {
  const { id, reason, review, operations, role, expires, ticket } = entry;
  return {
    ...entry,
    id: detached(id),
    principal: intern(entry.principal),
    api: intern(entry.api),
    owner: intern(entry.owner),
    granted: intern(entry.granted),
    reason: intern(reason),
    ...(role !== undefined && { role: intern(role) }),
    ...(operations && { operations: operations.map(intern) }),
    ...(expires !== undefined && { expires: intern(expires) }),
    ...(ticket !== undefined && { ticket: intern(ticket) }),
    ...(review && {
      review: {
        ...review,
        by: intern(review.by),
        at: intern(review.at),
        ...(review.until !== undefined && { until: intern(review.until) }),
        reason: intern(review.reason),
      },
    }),
  };
}

const placesOfGrants = ({ entries, places }: AccessRead) => ({
  items: entries.map(({ index }) => places.value([index])),
  ids: entries.map(({ index }) => places.nearest([index, 'id'])),
});

/** A function of its own: what a closure here sees stays in memory as long as the file. */
function fewPlaces({ items, ids }: ReturnType<typeof placesOfGrants>, file: string, bytes: Buffer): Places {
  let again: Places | null = null;
  const all = () => {
    again ??= readYaml(bytes, file).places;
    return again;
  };
  const at = <T>(known: readonly T[], index: PropertyKey | undefined) =>
    typeof index === 'number' ? known[index] : undefined;
  return {
    value: (path) => (path.length === 1 ? at(items, path[0]) : undefined) ?? all().value(path),
    key: (path) => all().key(path),
    nearest: (path) =>
      (path.length === 2 && path[1] === 'id' ? at(ids, path[0]) : undefined) ?? all().nearest(path),
    at: (offset) => all().at(offset),
  };
}

const layout =
  'expected apis/API.yaml, apis/API.openapi.yaml, access/API/NAME.yaml, directory/PROVIDER.yaml, networks.yaml or review.yaml';

const isHidden = (path: string) => path.slice(path.lastIndexOf('/') + 1).startsWith('.');
const irregular = (path: string, kind: string) =>
  problem(path, 'not-a-file', `${show(path)} is a ${kind}, expected a regular file`);

/** The paths of all that is to be read; what must not be there, or is too large, goes into `all`. */
async function choosePaths(tree: Files, all: GrantsRead): Promise<string[]> {
  const chosen: string[] = [];
  for (const { path, kind, size } of await tree.entries()) {
    if (path === 'policies' || path.startsWith('policies/')) {
      // A policy that is passed over would leave the built-in one in force, and nobody would know.
      if (kind !== 'file' && !isHidden(path)) all.problems.push(irregular(path, kind));
      continue;
    }
    const found = fileKind(path).kind;
    if (found === 'ignored') continue;
    const most = mostBytesOf(found);
    if (kind !== 'file') all.problems.push(irregular(path, kind));
    else if (found === 'unknown')
      all.problems.push(problem(path, 'unknown-file', `${show(path)} is no file of grants/, ${layout}`));
    else if (size > most) {
      const large = problem(path, 'file-too-large', `the file is larger than ${most} bytes, got ${size}`);
      all.problems.push(large);
      if (found === 'openapi') all.openapi.set(path, refusedDocument(path, large));
    } else chosen.push(path);
  }
  return chosen;
}

/** Reads all files under grants/ of a tree. Throws what reading the tree throws. */
export async function readGrants(tree: Files): Promise<GrantsRead> {
  const all: GrantsRead = {
    ...{ apis: [], openapi: new Map(), access: [], directories: [] },
    ...{ services: null, networks: null, review: null, problems: [] },
  };
  const intern = createIntern();
  const paths = await choosePaths(tree, all);
  for (const [path, bytes] of await tree.read(paths)) {
    const found = fileKind(path);
    switch (found.kind) {
      case 'api':
        all.apis.push({ ...readApi(bytes, path), name: found.name });
        break;
      case 'openapi':
        all.openapi.set(path, readDocument(bytes, path));
        break;
      case 'access':
        all.access.push(withoutPlaces(readAccess(bytes, path, found.api), bytes, intern));
        break;
      case 'directory':
        all.directories.push({ ...readDirectory(bytes, path), provider: found.provider });
        break;
      case 'services':
        all.services = readServices(bytes, path);
        break;
      case 'networks':
        all.networks = readNetworks(bytes, path);
        break;
      case 'review':
        all.review = readChecked(reviewFile, bytes, path, { empty: {} });
        break;
      case 'ignored':
      case 'unknown':
        break;
      default:
        found satisfies never;
    }
  }
  const files = [...all.apis, ...all.openapi.values(), ...all.access, ...all.directories];
  for (const read of [...files, all.services, all.networks, all.review])
    if (read) all.problems.push(...read.problems);
  if (paths.length === 0 && all.problems.length === 0)
    all.problems.push(
      problem(
        'grants',
        'no-grants',
        'grants/ is missing or empty, expected at least one API in grants/apis/',
      ),
    );
  return all;
}
