import { setImmediate as nextTurn } from 'node:timers/promises';
import findMyWay, { type HTTPVersion, type Instance } from 'find-my-way';
import { isMixed, rankOf, shapeOf } from '../../bundle/openapi/pathTemplate.ts';
import { Refusal } from '../http/refusal.ts';
import type { ApiEntry } from '../revision/snapshot.ts';
import { type CanonicalRequest, encodedSlashRefused, hasEncodedSlash, type Method } from './canonicalize.ts';
import { MixedRoutes } from './mixedRoutes.ts';
import { declaredRoute, type Route } from './routeOf.ts';

/**
 * Finds the operation of a request; null when there is none. Throws Refusal 400 for a path that an upstream could take
 * for another operation: with `GET /users/@me` declared, `/users/%40me` and `/users/@ME` are no `GET /users/{id}`. So is
 * one with an encoded slash, unless the operation's parameters may hold it: then it stands for no slash that a template
 * has, and no other operation may be what it is with one.
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
  for (let beganMs = performance.now(); ; ) {
    const { done, value } = building.next();
    if (done) return value;
    if (performance.now() - beganMs < perTurnMs) continue;
    await nextTurn();
    beganMs = performance.now();
  }
}

/** Pauses after each operation. */
function* build(apis: ReadonlyMap<string, ApiEntry>): Generator<undefined, Router> {
  const shared = newTables();
  const byHost = new Map<string, Tables>();
  for (const [api, entry] of apis) {
    const { route } = entry;
    const prefix = 'prefix' in route ? route.prefix : '';
    const tables = 'host' in route ? hostTables(byHost, route.host) : shared;
    const declared = new Set(Object.values(entry.operations).map(shapeOf));
    for (const [operation, signature] of Object.entries(entry.operations)) {
      const { method, route: target } = declaredRoute(api, entry, operation, signature);
      const { template } = target;
      const methods: Method[] =
        method === 'GET' && !declared.has(`HEAD ${shapeOf(template)}`) ? ['GET', 'HEAD'] : [method];
      try {
        addRoute(tables, methods, prefix + template, target);
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
    const tables = byHost.get(request.host) ?? shared;
    const route = findExact(tables, method, path);
    if (hasEncodedSlash(request) && (route === null || !mayHoldSlash(apis, route)))
      throw encodedSlashRefused();
    if (route === null) return null;
    if (route.template.includes('{')) {
      const other = findLenient(tables, method, path.includes('%') ? decodeURIComponent(path) : path);
      if (other !== null && !other.includes(route))
        throw new Refusal(400, 'path-ambiguous', 'The path could be taken for another operation.');
    }
    return route;
  };
}

const mayHoldSlash = (apis: ReadonlyMap<string, ApiEntry>, { api, operation }: Route): boolean =>
  apis.get(api)?.encoded_slash?.includes(operation) === true;

function addRoute(tables: Tables, methods: Method[], template: string, target: Route): void {
  const { exact, lenient } = tables;
  if (isMixed(template)) {
    tables.mixed ??= { exact: new MixedRoutes(), lenient: new MixedRoutes() };
    for (const each of methods) {
      tables.mixed.exact.add(each, template, { route: target, rank: rankOf(template) }, () => {
        throw new RouteError('the template is taken');
      });
      tables.mixed.lenient.add(
        each,
        template.toLowerCase(),
        { routes: [target], rank: rankOf(template) },
        ({ routes, rank }) => ({ routes: [...routes, target], rank }),
      );
    }
    return;
  }
  const path = pattern(template);
  const store: Plain = { route: target, rank: rankOf(template) };
  exact.on(methods, path, () => undefined, store);
  for (const each of methods) {
    // Templates that differ in case only stand for each other: their upstream evidently tells them apart.
    const same = lenient.findRoute(each, path);
    if (same === null)
      lenient.on(each, path, () => undefined, { routes: [target], rank: store.rank } satisfies Alike);
    else (same.store as Alike).routes.push(target);
  }
}

function findExact({ exact, mixed }: Tables, method: Method, path: string): Route | null {
  const found = exact.find(method, path);
  // find-my-way lets `{id}` be empty: `/orders/` would be decided as getOrder and answered as listOrders.
  const plain =
    found === null || ('p0' in found.params && Object.values(found.params).includes(''))
      ? null
      : (found.store as Plain);
  if (mixed === null) return plain === null ? null : plain.route;
  return firstOf(plain, mixed.exact.find(method, path))?.route ?? null;
}

function findLenient({ lenient, mixed }: Tables, method: Method, path: string): Route[] | null {
  const found = lenient.find(method, path);
  const plain = found === null ? null : (found.store as Alike);
  if (mixed === null) return plain === null ? null : plain.routes;
  return firstOf(plain, mixed.lenient.find(method, path.toLowerCase()))?.routes ?? null;
}

/** The one whose leftmost segment that tells them apart says more. */
function firstOf<T extends { rank: string }>(a: T | null, b: T | null): T | null {
  if (a === null || b === null) return a ?? b;
  return a.rank >= b.rank ? a : b;
}

type Plain = { route: Route; rank: string };
type Alike = { routes: Route[]; rank: string };
type Tables = {
  exact: Instance<HTTPVersion.V1>;
  lenient: Instance<HTTPVersion.V1>;
  /** Null while no template needs it. */
  mixed: { exact: MixedRoutes<Plain>; lenient: MixedRoutes<Alike> } | null;
};

/** `lenient` reads a path as tolerant upstreams do: every escape decoded, in any case. */
function newTables(): Tables {
  const options = { ignoreTrailingSlash: false, ignoreDuplicateSlashes: false, maxParamLength: 8192 };
  return {
    exact: findMyWay({ ...options, caseSensitive: true }),
    lenient: findMyWay({ ...options, caseSensitive: false }),
    mixed: null,
  };
}

function hostTables(tables: Map<string, Tables>, host: string): Tables {
  const own = tables.get(host) ?? newTables();
  tables.set(host, own);
  return own;
}

/**
 * `/v1/orders/{orderId}` in find-my-way's terms; a literal colon is doubled there, and a parameter's name may hold less
 * than an OpenAPI one, so it gets a number.
 */
function pattern(template: string): string {
  let count = 0;
  return template.replaceAll(':', '::').replace(/\{[^{}]*\}/g, () => `:p${count++}`);
}
