import type { Problem } from '../bundleError.ts';
import type { FileBeside } from '../openapi/followReference.ts';
import { type OpenapiRead, readOpenapi } from '../openapi/readOpenapi.ts';
import type { Places } from '../yaml/places.ts';
import { problem, show } from '../yaml/problem.ts';
import { resolveExceptions } from './api/resolveExceptions.ts';
import { factTypeProblems, resolveFacts } from './api/resolveFacts.ts';
import { expandRoles } from './expandRoles.ts';
import type { Api } from './organisation.ts';
import type { GrantsRead } from './readGrants.ts';
import { routeCollisions } from './routeCollisions.ts';
import type { ApiFile } from './schema.ts';

type Documented = Pick<OpenapiRead, 'value' | 'problems' | 'unrouted'>;
const nothing: Documented = { value: new Map(), problems: [], unrouted: [] };

/** The operations of the OpenAPI document that an API names; `documents` are all there are, by path. */
function documented(
  { openapi = '', upstream }: Pick<ApiFile, 'openapi' | 'upstream'>,
  places: Places,
  documents: FileBeside,
): Documented {
  const path = `grants/apis/${openapi.slice(2)}`;
  const document = documents(path);
  if (document === undefined) {
    const message = `there is no file ${path}, expected an OpenAPI document`;
    const missing = problem(places.nearest(['openapi']), 'openapi-missing', message);
    return { value: undefined, problems: [missing], unrouted: [] };
  }
  const bare = (URL.parse(upstream)?.pathname ?? '/') !== '/';
  return readOpenapi(document, documents, { bare });
}

/**
 * Resolves every API's operations (also from OpenAPI) and roles. `warnings` are what of an OpenAPI document cannot be
 * routed: nobody can be granted it, and nothing else suffers. `broken` names the APIs whose files have problems of
 * their own: what refers to them is not judged.
 */
export function resolveApis(read: GrantsRead): {
  apis: Map<string, Api>;
  broken: ReadonlySet<string>;
  problems: Problem[];
  warnings: Problem[];
} {
  const problems: Problem[] = [];
  const warnings: Problem[] = [];
  const apis = new Map<string, Api>();
  const broken = new Set<string>();
  const used = new Set<string>();
  const takeDocument: FileBeside = (path) => {
    used.add(path);
    return read.openapi.get(path);
  };
  const places = new Map(read.apis.map((file) => [file.name, file.places]));
  for (const file of read.apis) {
    const { name, value } = file;
    if (value === undefined) {
      broken.add(name);
      continue;
    }
    if (value.api !== name) {
      const expected = `expected ${show(name)} as its file is named, got ${show(value.api)}`;
      problems.push(problem(file.places.nearest(['api']), 'api-name', `"api" is wrong, ${expected}`));
      broken.add(name).add(value.api);
      continue;
    }
    const found = value.openapi === undefined ? nothing : documented(value, file.places, takeDocument);
    problems.push(...found.problems);
    warnings.push(...found.unrouted);
    if (found.value === undefined) {
      broken.add(name);
      continue;
    }
    const operations = new Map([...Object.entries(value.operations ?? {}), ...found.value]);
    const expanded = expandRoles(value.roles, new Set(operations.keys()), file.places);
    problems.push(...expanded.problems);
    const exceptions = resolveExceptions(value, operations, file.places);
    problems.push(...exceptions.problems, ...resolveFacts(value.facts, operations, file.places));
    apis.set(name, {
      name,
      description: value.description,
      owner: value.owner,
      tier: value.tier,
      upstream: value.upstream,
      route: value.route,
      operations,
      roles: expanded.roles,
      limits: value.limits,
      authentication: value.authentication,
      assertion: value.assertion ?? false,
      host_header: value.host_header,
      cors: value.cors,
      public: exceptions.public,
      encodedSlash: exceptions.encodedSlash,
      facts: value.facts,
      place: file.places.nearest([]),
    });
  }
  for (const path of read.openapi.keys())
    if (!used.has(path) && broken.size === 0)
      problems.push(
        problem(
          path,
          'openapi-unused',
          'no API and no document names this file, expected "openapi" in one of apis/',
        ),
      );
  problems.push(...factTypeProblems(apis.values(), (api) => places.get(api)));
  problems.push(
    ...routeCollisions([...apis.values()], (api, operation) => {
      const at = places.get(api.name);
      if (at === undefined) return api.place;
      if (operation === null) return at.nearest(['route']);
      return at.value(['operations', operation]) ?? at.nearest(['openapi']);
    }),
  );
  return { apis, broken, problems, warnings };
}
