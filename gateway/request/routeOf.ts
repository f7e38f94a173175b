import type { ApiEntry } from '../revision/snapshot.ts';
import type { Method } from './canonicalize.ts';

/** Where a request goes, and what the policy is asked about it. */
export type Route = {
  readonly api: string;
  readonly operation: string;
  /** The operation's path template as declared, `/v1/orders/{orderId}`. */
  readonly template: string;
  /** `scheme://host:port` of the upstream. */
  readonly upstream: string;
  /** What goes before the path there: empty, or a path that ends in no slash. */
  readonly base: string;
  /** How many characters of the canonical path the upstream does not see. */
  readonly strip: number;
  /** Whether the upstream gets the Host header as the caller sent it; left out, its own. */
  readonly keepsHost?: boolean;
};

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

/** The route of an operation that an API declares as `METHOD /path/{template}`, and its method. */
export function declaredRoute(api: string, entry: ApiEntry, operation: string, signature: string) {
  const { route, upstream } = entry;
  const [method, template] = split(signature);
  const strip = 'prefix' in route && route.strip ? route.prefix.length : 0;
  // The schema lets no query, fragment or user into it, so what follows the host is a path.
  const slash = upstream.indexOf('/', upstream.indexOf('//') + 2);
  const origin = slash < 0 ? upstream : upstream.slice(0, slash);
  const base = slash < 0 ? '' : upstream.slice(slash).replace(/\/$/, '');
  const keepsHost = entry.host_header === 'caller' ? { keepsHost: true } : {};
  return {
    method,
    route: { api, operation, template, upstream: origin, base, strip, ...keepsHost } satisfies Route,
  };
}

function split(signature: string): [Method, string] {
  const space = signature.indexOf(' ');
  return [signature.slice(0, space) as Method, signature.slice(space + 1)];
}
