import { setImmediate as nextTurn } from 'node:timers/promises';
import findMyWay from 'find-my-way';
import { Refusal } from '../http/refusal.ts';
import type { ApiEntry } from '../revision/snapshot.ts';
import type { CanonicalRequest, Method } from './canonicalize.ts';

/** Where a request goes, and what the policy is asked about it. */
export type Route = {
  api: string;
  operation: string;
  /** The operation's path template as declared, `/v1/orders/{orderId}`. */
  template: string;
  /** `scheme://host:port` of the upstream. */
  upstream: string;
  /** How many characters of the canonical path the upstream does not see. */
  strip: number;
};

/**
 * Finds the operation of a request; null when there is none. Throws Refusal 400 for a path that an upstream could take
 * for another operation: with `GET /users/@me` declared, `/users/%40me` and `/users/@ME` are no `GET /users/{id}`.
 */
export type Router = (request: CanonicalRequest) => Route | null;

/** Two operations that the same request could mean. Refused when the router is built, never decided per request. */
export class RouteError extends Error {
  readonly code = 'route-ambiguous';
}

/** Builds the router of a revision. GET operations answer HEAD too unless the API declares one itself. */
export function createRouter(apis: ReadonlyMap<string, ApiEntry>): Router {
  const building = build(apis);
  for (;;) {
    const { done, value } = building.next();
    if (done) return value;
  }
}

const perTurnMs = 2;

/** The same beside requests: thousands of routes would hold them up, so it takes two milliseconds at a time. */
export async function createRouterInTurns(apis: ReadonlyMap<string, ApiEntry>): Promise<Router> {
  const building = build(apis);
  for (let began = performance.now(); ; ) {
    const { done, value } = building.next();
    if (done) return value;
    if (performance.now() - began < perTurnMs) continue;
    await nextTurn();
    began = performance.now();
  }
}

/** Pauses after each operation. */
function* build(apis: ReadonlyMap<string, ApiEntry>): Generator<undefined, Router> {
  const shared = newTables();
  const byHost = new Map<string, Tables>();
  for (const [api, entry] of apis) {
    const { route } = entry;
    const prefix = 'prefix' in route ? route.prefix : '';
    const { exact, lenient } = 'host' in route ? hostTables(byHost, route.host) : shared;
    const declared = new Set(Object.values(entry.operations));
    for (const [operation, signature] of Object.entries(entry.operations)) {
      const { method, route: target } = declaredRoute(api, entry, operation, signature);
      const { template } = target;
      const methods: Method[] =
        method === 'GET' && !declared.has(`HEAD ${template}`) ? ['GET', 'HEAD'] : [method];
      const path = pattern(prefix + template);
      try {
        exact.on(methods, path, () => undefined, target);
        for (const each of methods) {
          // Templates that differ in case only stand for each other: their upstream evidently tells them apart.
          const same = lenient.findRoute(each, path);
          if (same === null) lenient.on(each, path, () => undefined, [target]);
          else (same.store as Route[]).push(target);
        }
      } catch (error) {
        throw new RouteError(`operation ${operation} of API ${api} has the route of another operation`, {
          cause: error,
        });
      }
      yield;
    }
  }
  return (request) => {
    const { method, path } = request;
    const { exact, lenient } = byHost.get(request.host) ?? shared;
    const found = exact.find(method, path);
    if (found === null) return null;
    const route = found.store as Route;
    if (route.template.includes('{')) {
      // find-my-way lets `{id}` be empty: `/orders/` would be decided as getOrder and answered as listOrders.
      if (Object.values(found.params).includes('')) return null;
      const other = lenient.find(method, path.includes('%') ? decodeURIComponent(path) : path);
      if (other !== null && !(other.store as Route[]).includes(route))
        throw new Refusal(400, 'path-ambiguous', 'The path could be taken for another operation.');
    }
    return route;
  };
}

/** The route of an operation by its name, and its method; null when the API or the operation is not declared. */
export function routeOf(
  apis: ReadonlyMap<string, ApiEntry>,
  api: string,
  operation: string,
): { method: Method; route: Route } | null {
  const entry = apis.get(api);
  if (entry === undefined || !Object.hasOwn(entry.operations, operation)) return null;
  return declaredRoute(api, entry, operation, entry.operations[operation] ?? '');
}

function declaredRoute(api: string, entry: ApiEntry, operation: string, signature: string) {
  const { route, upstream } = entry;
  const [method, template] = split(signature);
  const strip = 'prefix' in route && route.strip ? route.prefix.length : 0;
  return { method, route: { api, operation, template, upstream, strip } satisfies Route };
}

type Tables = ReturnType<typeof newTables>;

/** `lenient` reads a path as tolerant upstreams do: every escape decoded, in any case. */
function newTables() {
  const options = { ignoreTrailingSlash: false, ignoreDuplicateSlashes: false, maxParamLength: 8192 };
  return {
    exact: findMyWay({ ...options, caseSensitive: true }),
    lenient: findMyWay({ ...options, caseSensitive: false }),
  };
}

function hostTables(tables: Map<string, Tables>, host: string): Tables {
  const own = tables.get(host) ?? newTables();
  tables.set(host, own);
  return own;
}

function split(signature: string): [Method, string] {
  const space = signature.indexOf(' ');
  return [signature.slice(0, space) as Method, signature.slice(space + 1)];
}

/** `/v1/orders/{orderId}` in find-my-way's terms; a literal colon is doubled there. */
function pattern(template: string): string {
  return template.replaceAll(':', '::').replace(/\{([A-Za-z][A-Za-z0-9_]*)\}/g, ':$1');
}
