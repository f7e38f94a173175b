import { problem, show } from '../yaml/problem.ts';
import { type ReadFile, readYaml } from '../yaml/readFile.ts';
import { operationProblem } from './schema.ts';

const methods = ['get', 'head', 'post', 'put', 'patch', 'delete', 'options', 'trace'];
/** Real documents nest their schemas deeply and run to megabytes. */
const limits = { bytes: 8 * 1024 * 1024, depth: 100 };
const isMapping = (value: unknown): value is Record<string, unknown> =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

/**
 * Takes the operations out of an OpenAPI 3 document (YAML or JSON): operationId → `METHOD /path`. Paths are as under
 * `paths`; `servers` is not looked at, since the API's file says where the upstream is. Nothing but `paths` is checked.
 */
export function readOpenapi(bytes: Buffer, file: string): ReadFile<ReadonlyMap<string, string>> {
  const { value, places, problems } = readYaml(bytes, file, limits);
  const report = (path: readonly string[], code: string, message: string): void => {
    problems.push(problem(places.key(path) ?? places.nearest(path), code, message));
  };
  const operations = new Map<string, string>();
  const paths = isMapping(value) ? value.paths : undefined;
  if (value === undefined) return { file, value: undefined, places, problems };
  if (!isMapping(paths)) {
    report(['paths'], 'openapi-paths', `"paths" must be a mapping of paths, got ${show(paths)}`);
    return { file, value: undefined, places, problems };
  }
  for (const [path, item] of Object.entries(paths)) {
    if (path.startsWith('x-')) continue;
    if (!isMapping(item)) {
      report(
        ['paths', path],
        'openapi-paths',
        `the path ${show(path)} must hold operations, got ${show(item)}`,
      );
      continue;
    }
    if (item.$ref !== undefined)
      report(
        ['paths', path, '$ref'],
        'openapi-ref',
        'a path must be written out here, "$ref" is not followed',
      );
    for (const method of methods) {
      if (item[method] === undefined) continue;
      const at = ['paths', path, method];
      const written = item[method];
      const id = isMapping(written) ? written.operationId : undefined;
      const operation = `${method.toUpperCase()} ${path}`;
      if (typeof id !== 'string') {
        report(at, 'openapi-operation-id', `${operation} has no operationId, expected a name to grant it by`);
        continue;
      }
      const wrong = operationProblem(id, operation);
      if (wrong !== null) report(at, 'openapi-operation', `${operation} (${id}): ${wrong}`);
      else if (operations.has(id))
        report([...at, 'operationId'], 'openapi-operation-id', `the operationId ${show(id)} is given twice`);
      else operations.set(id, operation);
    }
  }
  if (operations.size === 0 && problems.length === 0)
    report(['paths'], 'openapi-paths', '"paths" holds no operation, expected at least one');
  return { file, value: problems.length === 0 ? operations : undefined, places, problems };
}
