import type { Tree } from '../../bundle/git/tree.ts';
import { expandRoles } from '../../bundle/grants/expandRoles.ts';
import { fileKind } from '../../bundle/grants/fileKinds.ts';
import { fold } from '../../bundle/grants/names.ts';
import { readAccess, readApi, readDirectory, readServices } from '../../bundle/grants/readGrants.ts';
import type { GrantEntry } from '../../bundle/grants/schema.ts';

/** A grant as its file has it, and its lines there, both ends counted from 1 and included. */
export type GrantSource = { entry: GrantEntry; file: string; first: number; last: number };

/** Finds grants of one API by their ids; only files that name one of them are read. Throws what reading the tree throws. */
export async function grantSources(
  tree: Tree,
  api: string,
  ids: readonly string[],
): Promise<Map<string, GrantSource>> {
  const found = new Map<string, GrantSource>();
  const paths = (await tree.list()).filter(
    (path) => path.startsWith(`grants/access/${api}/`) && path.endsWith('.yaml'),
  );
  for (const [file, bytes] of await tree.read(paths)) {
    if (!ids.some((id) => bytes.includes(id))) continue;
    const { entries, places } = readAccess(bytes, file, api);
    for (const { index, entry } of entries) {
      const place = places.value([index]);
      if (!ids.includes(entry.id) || place === undefined) continue;
      const lines = bytes.toString().slice(place.start, place.end).trimEnd().split('\n').length;
      found.set(entry.id, { entry, file, first: place.line, last: place.line + lines - 1 });
    }
  }
  return found;
}

/** The roles of an API, each with the operations it covers; none when its file cannot be read. */
export async function rolesOf(
  tree: Tree,
  api: string,
  operations: ReadonlySet<string>,
): Promise<ReadonlyMap<string, readonly string[]>> {
  const path = `grants/apis/${api}.yaml`;
  if (!(await tree.list()).includes(path)) return new Map();
  const bytes = (await tree.read([path])).get(path) ?? Buffer.alloc(0);
  const { value, places } = readApi(bytes, path);
  return value === undefined ? new Map() : expandRoles(value.roles, operations, places).roles;
}

/** What a directory says of an account, and where: "suspended in grants/directory/okta.yaml:12"; null where none does. */
export async function standingOf(tree: Tree, subject: string): Promise<string | null> {
  const [kind, name] = [
    subject.slice(0, subject.indexOf(':')),
    fold(subject.slice(subject.indexOf(':') + 1)),
  ];
  const paths = (await tree.list()).filter((path) => /^grants\/directory\/[^/]+\.yaml$/.test(path));
  for (const [file, bytes] of await tree.read(paths)) {
    if (fileKind(file).kind === 'services') {
      if (kind !== 'service') continue;
      const { value, places } = readServices(bytes, file);
      const at = value?.services.findIndex((one) => fold(one.name) === name) ?? -1;
      const state = value?.services[at]?.state;
      if (state !== undefined) return `${state} in ${file}:${places.nearest(['services', at]).line}`;
    } else if (kind === 'user') {
      const { value, places } = readDirectory(bytes, file);
      const at = value?.people.findIndex(({ login }) => fold(login) === name) ?? -1;
      const status = value?.people[at]?.status;
      if (status !== undefined) return `${status} in ${file}:${places.nearest(['people', at]).line}`;
    }
  }
  return null;
}
