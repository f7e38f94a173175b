import { Refusal } from '../http/refusal.ts';
import type { ApiEntry, CorsEntry, Snapshot } from '../revision/snapshot.ts';
import type { CanonicalRequest } from './canonicalize.ts';

/** What of an answer tells a browser which pages may read it. */
export type CorsHeaders = Readonly<Record<string, string>>;

const vary = { vary: 'Origin' };

/** All values of a header; `name` in lower case. */
function valuesOf(rawHeaders: readonly string[], name: string): string[] {
  const found: string[] = [];
  for (let index = 0; index < rawHeaders.length; index += 2)
    if (rawHeaders[index]?.length === name.length && rawHeaders[index]?.toLowerCase() === name)
      found.push(rawHeaders[index + 1] ?? '');
  return found;
}

/** The one origin that a request names, where the API lists it: never another, nor `null`, which any page can be. */
function listedOrigin({ origins }: CorsEntry, rawHeaders: readonly string[]): string | null {
  const [origin, ...others] = valuesOf(rawHeaders, 'origin');
  if (origin === undefined || others.length > 0) return null;
  if (origins.includes('*')) return '*';
  return origins.includes(origin) && origin !== 'null' ? origin : null;
}

/** For an answer of an API, refusals included; null where it says nothing of other origins. */
export function corsHeaders(cors: CorsEntry | undefined, rawHeaders: readonly string[]): CorsHeaders | null {
  if (cors === undefined) return null;
  const origin = listedOrigin(cors, rawHeaders);
  if (origin === null) return vary;
  return {
    ...(origin === '*' ? {} : vary),
    'access-control-allow-origin': origin,
    ...(cors.credentials === true ? { 'access-control-allow-credentials': 'true' } : {}),
    ...(cors.expose === undefined ? {} : { 'access-control-expose-headers': cors.expose.join(', ') }),
  };
}

/** A refusal that the page which asked may read. Some refusals are kept, so it is another one. */
export function withCors(refusal: Refusal, cors: CorsHeaders | null | undefined): Refusal {
  if (cors == null) return refusal;
  const { status, code, message, headers, cause } = refusal;
  return new Refusal(status, code, message, { ...headers, ...cors }, cause);
}

/** Whether a browser asks before it sends a page's request (Fetch, 3.2.2). */
export const isPreflight = ({ method }: CanonicalRequest, rawHeaders: readonly string[]): boolean =>
  method === 'OPTIONS' &&
  valuesOf(rawHeaders, 'origin').length > 0 &&
  valuesOf(rawHeaders, 'access-control-request-method').length > 0;

/** The one method that a preflight asks about. */
export function preflightMethod(rawHeaders: readonly string[]): string | undefined {
  const [method, ...others] = valuesOf(rawHeaders, 'access-control-request-method');
  return others.length > 0 ? undefined : method;
}

/** The API that a path belongs to, whether or not it has an operation there. */
export function apiAt({ apis }: Pick<Snapshot, 'apis'>, { host, path }: CanonicalRequest): string | null {
  let best: { api: string; length: number } | null = null;
  for (const [api, { route }] of apis) {
    if ('host' in route) {
      if (route.host === host) return api;
      continue;
    }
    const { prefix } = route;
    if (path !== prefix && !path.startsWith(`${prefix}/`)) continue;
    if (best === null || prefix.length > best.length) best = { api, length: prefix.length };
  }
  return best?.api ?? null;
}

const refused = (cors: CorsHeaders, what: string) =>
  new Refusal(403, 'preflight-refused', `Pages of other origins may not call this API so: ${what}.`, {
    ...cors,
    vary: 'Origin, Access-Control-Request-Method, Access-Control-Request-Headers',
  });

/**
 * The headers of the answer to a preflight. They speak of the API as a whole: nobody has proved who is asking, so which
 * paths there are is not told. Throws Refusal 403 for an origin, a method or a header that its file does not list.
 */
export function preflightHeaders(
  { operations }: Pick<ApiEntry, 'operations'>,
  cors: CorsEntry,
  rawHeaders: readonly string[],
): CorsHeaders {
  const origin = listedOrigin(cors, rawHeaders);
  if (origin === null) throw refused(vary, 'the origin is not listed');
  const methods = new Set(Object.values(operations).map((call) => call.split(' ', 1)[0] ?? ''));
  if (methods.has('GET')) methods.add('HEAD');
  const headers: CorsHeaders = corsHeaders(cors, rawHeaders) ?? vary;
  const method = preflightMethod(rawHeaders);
  if (method === undefined || !methods.has(method)) throw refused(headers, 'no operation has the method');
  const asked = valuesOf(rawHeaders, 'access-control-request-headers')
    .join(',')
    .split(',')
    .map((name) => name.trim().toLowerCase())
    .filter((name) => name !== '');
  const listed = new Set(cors.headers ?? []);
  if (!asked.every((name) => listed.has(name))) throw refused(headers, 'a header is not listed');
  const { 'access-control-expose-headers': _, ...rest } = headers;
  return {
    ...rest,
    vary: 'Origin, Access-Control-Request-Method, Access-Control-Request-Headers',
    'access-control-allow-methods': [...methods].sort().join(', '),
    ...(cors.headers === undefined ? {} : { 'access-control-allow-headers': cors.headers.join(', ') }),
    'access-control-max-age': String(cors.max_age),
  };
}

/** An upstream's headers less what it says of other origins, where its API's file says it. */
export function withoutCors<T extends object>(headers: T): T {
  const entries = Object.entries(headers).filter(([name]) => !name.startsWith('access-control-'));
  return Object.fromEntries(entries) as T;
}
