import type { IncomingMessage, ServerResponse } from 'node:http';
import findMyWay from 'find-my-way';
import { readCapped } from '../../bundle/format/readCapped.ts';
import { type Answer, type Handler, renderError } from './api/call.ts';
import { globalRoutes, type Method, openToReaders, repositoryRoutes } from './api/routes.ts';
import { ApiError, notFound } from './model/apiError.ts';
import type { Core } from './model/core.ts';
import type { Fault, Faults } from './model/faults.ts';
import type { Stored } from './model/state.ts';
import { synchronize } from './model/synchronize.ts';
import { mayWrite, type User } from './model/users.ts';

const mostBody = 1024 * 1024;
const prefix = '/api/v3';
/** Beside REST, as on Enterprise Server. */
export const graphqlPath = '/api/graphql';

/** The token of an Authorization header: `token T`, `Bearer T`, or Basic with the token as password. */
export function tokenOf(header: string | undefined): string | null {
  const [, scheme = '', value = ''] = header?.match(/^(\S+) +(\S+)$/) ?? [];
  if (/^(token|bearer)$/i.test(scheme)) return value;
  if (/^basic$/i.test(scheme)) {
    const text = Buffer.from(value, 'base64').toString();
    return text.slice(text.indexOf(':') + 1);
  }
  return header === undefined ? null : '';
}

async function readBody(request: IncomingMessage): Promise<Record<string, unknown>> {
  const body = await readCapped(request, mostBody);
  if (body === null) throw new ApiError(413, 'Payload too large');
  if (body.length === 0) return {};
  let value: unknown;
  try {
    value = JSON.parse(body.toString());
  } catch {
    throw new ApiError(400, 'Problems parsing JSON');
  }
  // `PUT …/labels` and its neighbours accept a bare list of names.
  if (Array.isArray(value)) return { labels: value };
  if (typeof value !== 'object' || value === null) throw new ApiError(400, 'Body should be a JSON object');
  return { ...value };
}

type Found = { handler: Handler; params: Record<string, string | undefined> };

/** Matches a method and a path to its handler; null when there is none. */
function createRouter(core: Core): (method: string, path: string) => Found | null {
  const router = findMyWay({ maxParamLength: 1000, caseSensitive: true });
  const repository = `/repos/${core.owner}/${core.name}`;
  const all: [Method, string, Handler][] = [
    ...globalRoutes,
    ...repositoryRoutes.map(([method, path, handler]): [Method, string, Handler] => [
      method,
      repository + path,
      handler,
    ]),
  ];
  for (const [method, path, handler] of all) router.on(method, path, () => {}, handler);
  return (method, path) => {
    const found = router.find(method as Method, path);
    return found === null ? null : { handler: found.store as Handler, params: found.params };
  };
}

/** A call of the API with its answer, as it leaves. */
export type Watched = { method: string; path: string; status: number; request: unknown; body: unknown };

export type ServeApi = (request: IncomingMessage, response: ServerResponse, url: URL) => Promise<void>;

/** Answers `/api/v3/…` in GitHub's shapes, with the faults a test has armed. */
export function createServeApi(core: Core, faults: Faults, watch?: (call: Watched) => void): ServeApi {
  const route = createRouter(core);

  async function work(
    request: IncomingMessage,
    url: URL,
    heard: { body: unknown },
    past?: Stored,
  ): Promise<Answer> {
    const method = request.method ?? '';
    const token = tokenOf(request.headers.authorization);
    const user = token === null ? undefined : core.users.withToken(token);
    if (token !== null && user === undefined) throw new ApiError(401, 'Bad credentials');
    const path = url.pathname === graphqlPath ? '/graphql' : url.pathname.slice(prefix.length);
    const found = route(method === 'HEAD' ? 'GET' : method, path);
    if (found === null) throw notFound();
    const reads = method === 'GET' || method === 'HEAD';
    if (!reads) admit(user, found.handler);
    const body = reads ? {} : await readBody(request);
    heard.body = body;
    if (core.git.repository !== '' && url.pathname.includes('/repos/'))
      await core.exclusive(() => synchronize(core, user ?? core.viewer));
    return found.handler({
      core: past === undefined ? core : { ...core, state: { ...core.state, data: past } },
      user,
      params: found.params,
      query: url.searchParams,
      body,
      accept: request.headers.accept ?? '',
      url,
    });
  }

  return async (request, response, url) => {
    const armed = faults.take(request.method ?? '', url.pathname);
    const stale = armed?.fault.status === 'stale';
    const fault = stale ? undefined : armed?.fault;
    const isCut = fault?.status === 'cut';
    if (fault !== undefined && fault.when !== 'after' && !isCut)
      return send(response, faulty(response, fault), request);
    let answer: Answer;
    const heard: { body: unknown } = { body: undefined };
    try {
      answer = await work(request, url, heard, stale ? armed.past : undefined);
    } catch (error) {
      const known = error instanceof ApiError ? error : new ApiError(500, 'Server Error');
      if (known !== error) process.emitWarning(`forge: ${request.method} ${url.pathname}: ${String(error)}`);
      answer = renderError(known);
    }
    watch?.({
      ...{ method: request.method ?? '', path: url.pathname, request: heard.body },
      ...{ status: answer.status, body: answer.body },
    });
    return send(response, fault === undefined || isCut ? answer : faulty(response, fault), request, isCut);
  };
}

function admit(user: User | undefined, handler: Handler): void {
  if (user === undefined) throw new ApiError(401, 'Requires authentication');
  if (!mayWrite(user) && !openToReaders.has(handler))
    throw new ApiError(403, 'Resource not accessible by personal access token');
}

/** The answer a fault gives; null for none at all. */
function faulty(response: ServerResponse, fault: Fault): Answer | null {
  if (fault.status === 'reset') response.socket?.resetAndDestroy();
  if (typeof fault.status !== 'number') return null;
  const answer = renderError(new ApiError(fault.status, fault.message ?? `Fault ${fault.status}`));
  return { ...answer, headers: fault.headers ?? {} };
}

function send(
  response: ServerResponse,
  answer: Answer | null,
  request: IncomingMessage,
  isCut = false,
): void {
  if (answer === null) return;
  const { status, body } = answer;
  const raw = Buffer.isBuffer(body) || body === undefined;
  const bytes = Buffer.isBuffer(body) ? body : Buffer.from(body === undefined ? '' : JSON.stringify(body));
  response.writeHead(status, {
    ...(raw ? {} : { 'content-type': 'application/json; charset=utf-8' }),
    ...(status === 204 ? {} : { 'content-length': bytes.length }),
    'x-github-media-type': 'github.v3; format=json',
    'x-ratelimit-limit': '5000',
    'x-ratelimit-remaining': '4999',
    'cache-control': 'no-store',
    // The rest of a body too large is not read, so the connection cannot carry another request.
    ...(status === 413 ? { connection: 'close' } : {}),
    'x-content-type-options': 'nosniff',
    ...answer.headers,
  });
  if (isCut) {
    response.write(bytes.subarray(0, bytes.length >> 1), () => response.socket?.destroy());
    return;
  }
  response.end(request.method === 'HEAD' || status === 204 ? undefined : bytes);
}
