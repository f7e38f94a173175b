import { Refusal } from '../http/refusal.ts';
import { canonicalize } from '../request/canonicalize.ts';
import { createRouter } from '../request/route.ts';
import { routeOf } from '../request/routeOf.ts';
import type { ApiEntry } from '../revision/snapshot.ts';
import type { ExplainQuestion, Matched } from './explanation.ts';

/** The question names something that is not there, or is incomplete. */
export class ExplainError extends Error {
  readonly code = 'usage';
  override readonly name = 'ExplainError';
}

/** Finds the operation that is meant; null when none is, with those that the API declares. Throws ExplainError. */
export function matchOperation(
  apis: ReadonlyMap<string, ApiEntry>,
  { api, call }: Pick<ExplainQuestion, 'api' | 'call'>,
): { matched: Matched | null; candidates: Matched[] } {
  const entry = apis.get(api);
  if (entry === undefined)
    throw new ExplainError(`there is no API "${api}"; there are ${[...apis.keys()].sort().join(', ')}`);
  const prefix = 'host' in entry.route ? entry.route.host : entry.route.prefix;
  const candidates = Object.keys(entry.operations).flatMap((operation): Matched[] => {
    const found = routeOf(apis, api, operation);
    if (found === null) return [];
    return [{ operation, method: found.method, address: prefix + found.route.template, route: found.route }];
  });
  const named = 'operation' in call ? call : operationAt(apis, { api, route: entry.route }, call);
  const matched = candidates.find(({ operation }) => operation === named?.operation) ?? null;
  // HEAD is answered by GET operations.
  if (matched !== null && 'method' in call)
    return { matched: { ...matched, ...named, method: call.method }, candidates };
  return { matched, candidates };
}

function operationAt(
  apis: ReadonlyMap<string, ApiEntry>,
  { api, route }: { api: string; route: ApiEntry['route'] },
  { method, path }: { method: string; path: string },
): { operation: string; path: string } | null {
  const router = createRouter(apis);
  const host = 'host' in route ? route.host : 'localhost';
  // As callers write it, or as the API declares it.
  const paths = 'prefix' in route ? [path, route.prefix + path] : [path];
  for (const target of paths) {
    const found = accepted(() => {
      const canonical = canonicalize(method, target, ['host', host]);
      const to = router(canonical);
      return to && { ...to, path: canonical.path };
    });
    if (found?.api === api) return { operation: found.operation, path: found.path };
    if (found !== null)
      throw new ExplainError(`${method} ${path} is ${found.operation} of ${found.api}, not of ${api}`);
  }
  return null;
}

function accepted<T>(read: () => T): T {
  try {
    return read();
  } catch (error) {
    if (error instanceof Refusal)
      throw new ExplainError(
        `the gateway refuses such a request: ${error.status} ${error.code}: ${error.message}`,
      );
    throw error;
  }
}
