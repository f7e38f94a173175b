import type { Problem } from '../bundleError.ts';
import { isMapping } from '../format/isMapping.ts';
import { problem, show } from '../yaml/problem.ts';
import { basePath } from './basePath.ts';
import { type FileBeside, FollowError, followReference, type Located } from './followReference.ts';
import { nameOperations, type Unnamed } from './nameOperations.ts';
import type { Document } from './readDocument.ts';
import { routableTemplate } from './routableTemplate.ts';
import { Templates } from './templates.ts';

const methods = ['get', 'head', 'post', 'put', 'patch', 'delete', 'options', 'trace'];

/** The operations of a document. */
export type OpenapiRead = {
  file: string;
  /** Name → `METHOD /path`, base path included unless it was to be left out; undefined when the document is refused. */
  value: ReadonlyMap<string, string> | undefined;
  /** Why the document as a whole is refused. */
  problems: Problem[];
  /** What in it cannot be routed, an operation each; the others stand. */
  unrouted: Problem[];
  /** Of `value`, the operations (`METHOD /path`) that the document says need no credential. */
  open: ReadonlySet<string>;
};

type Found = Unnamed & { path: readonly string[]; open: boolean };

/**
 * Takes the operations out of an OpenAPI document (2.0, 3.0 or 3.1). `$ref` is followed to `beside`. With `bare`, the
 * paths are as under `paths`: where the upstream has a path, that stands for `servers` and `basePath`.
 */
export function readOpenapi(document: Document, beside: FileBeside, { bare = false } = {}): OpenapiRead {
  const { file, value, placeOf } = document;
  const refuse = (path: readonly string[], code: string, message: string): OpenapiRead => ({
    file,
    value: undefined,
    problems: [problem(placeOf(path), code, message)],
    unrouted: [],
    open: new Set(),
  });
  if (document.problems.length > 0)
    return { file, value: undefined, problems: document.problems, unrouted: [], open: new Set() };
  const stranger = strangerIn(value);
  if (stranger !== null) return refuse([], 'openapi-version', stranger);
  const root = isMapping(value) ? value : {};
  const { paths } = root;
  if (!isMapping(paths))
    return refuse(['paths'], 'openapi-paths', `"paths" must be a mapping of paths, got ${show(paths)}`);

  const unrouted: Problem[] = [];
  const leave: Leave = (path, code, message) => void unrouted.push(problem(placeOf(path), code, message));
  const templates = new Templates<string>();
  const base = basePath(root) ?? '';
  const found: Found[] = [];
  for (const { path, method, item, held } of writtenOperations({ value: paths, document }, beside, leave)) {
    const verb = method.toUpperCase();
    const at = ['paths', path, method];
    const leaveOut = (why: string) => leave(at, 'openapi-operation', `${verb} ${path} is left out: ${why}`);
    const prefix = bare ? '' : (basePath(only(held)) ?? basePath(only(item)) ?? base);
    const routable = routableTemplate(verb, prefix + (path === '/' && prefix !== '' ? '/' : path));
    if ('because' in routable) {
      leaveOut(routable.because);
      continue;
    }
    const other = templates.add(verb, routable.template, path);
    if (other !== null) {
      leaveOut(`it cannot be told from ${verb} ${other}`);
      continue;
    }
    const id = typeof held.operationId === 'string' ? held.operationId : null;
    const open = needsNothing(held.security ?? root.security);
    found.push({ id, method: verb, template: routable.template, path: at, open });
  }
  if (found.length === 0 && unrouted.length === 0)
    return refuse(['paths'], 'openapi-paths', '"paths" holds no operation, expected at least one');
  const names = nameOperations(found);
  const written = ({ method, template }: Found) => `${method} ${template}`;
  const operations = new Map(found.map((one, at) => [names[at] ?? '', written(one)]));
  const open = new Set(found.filter((one) => one.open).map(written));
  return { file, value: operations, problems: [], unrouted, open };
}

type Leave = (path: readonly string[], code: string, message: string) => void;
type Mapping = Record<string, unknown>;
/** An operation (`held`) as it is written, under its path and its method in small letters. */
type Written = { path: string; method: string; item: Mapping; held: Mapping };

/** The operations under `paths`, in their order; what is none, or refers to nowhere, is left out and told. */
function* writtenOperations(
  { value: paths, document }: { value: Mapping; document: Document },
  beside: FileBeside,
  leave: Leave,
): Generator<Written> {
  for (const [path, written] of Object.entries(paths)) {
    if (path.startsWith('x-')) continue;
    const at = ['paths', path];
    const item = followed({ value: written, document }, beside, (why) =>
      leave([...at, '$ref'], 'openapi-ref', `the path ${show(path)} is left out: its "$ref" ${why}`),
    );
    if (item === null) continue;
    if (!isMapping(item.value)) {
      leave(at, 'openapi-paths', `the path ${show(path)} must hold operations, got ${show(item.value)}`);
      continue;
    }
    for (const method of methods) {
      if (!Object.hasOwn(item.value, method)) continue;
      const operation = followed({ value: item.value[method], document: item.document }, beside, (why) =>
        leave(
          [...at, method],
          'openapi-ref',
          `${method.toUpperCase()} ${path} is left out: its "$ref" ${why}`,
        ),
      );
      if (operation === null) continue;
      yield { path, method, item: item.value, held: isMapping(operation.value) ? operation.value : {} };
    }
  }
}

/** Whether `security` says that a request without any credential will do: no requirement, or an empty one among others. */
const needsNothing = (security: unknown): boolean =>
  Array.isArray(security) &&
  (security.length === 0 || security.some((one) => isMapping(one) && Object.keys(one).length === 0));

/** Of a path or an operation `servers` counts, and nothing that is named as another version's field. */
const only = ({ servers }: Record<string, unknown>) => ({ servers });

function followed(from: Located, beside: FileBeside, refused: (why: string) => void): Located | null {
  try {
    return followReference(from, beside);
  } catch (error) {
    if (!(error instanceof FollowError)) throw error;
    refused(error.message);
    return null;
  }
}

/** Says what a document is that is not OpenAPI 2.0, 3.0 or 3.1; null when it is. */
function strangerIn(value: unknown): string | null {
  const expected = 'expected OpenAPI 2.0, 3.0 or 3.1';
  if (!isMapping(value)) return `this is no OpenAPI document, ${expected}, got ${show(value)}`;
  const { asyncapi, openapi, swagger, swaggerVersion } = value;
  if (asyncapi !== undefined) return `this is an AsyncAPI document, ${expected}`;
  if (swaggerVersion !== undefined || (swagger !== undefined && !/^2(?:\.0)?$/.test(String(swagger))))
    return `this is Swagger ${String(swaggerVersion ?? swagger)}, ${expected}`;
  if (swagger !== undefined) return null;
  if (openapi === undefined) return `"openapi" must name the version, ${expected}, got nothing`;
  return /^3\.[012](?:\.|$)/.test(String(openapi)) ? null : `this is OpenAPI ${show(openapi)}, ${expected}`;
}
