import type { Enforcement } from './decision/enforcement.ts';
import { Refusal } from './http/refusal.ts';
import { type CanonicalRequest, methods } from './request/canonicalize.ts';
import type { Route } from './request/routeOf.ts';

/** A method that a request's path has, and the operation by it. */
export type OtherMethod = { method: CanonicalRequest['method']; route: Route };

export const noSuchOperation = () =>
  new Refusal(404, 'no-such-operation', 'There is no such operation here.');

/** What a request's path has instead of the request's method. */
export function otherMethods(
  request: CanonicalRequest,
  { route }: Pick<Enforcement, 'route'>,
): OtherMethod[] {
  return methods.flatMap((method) => {
    const found = method === request.method ? null : routeBy(request, method, { route });
    return found === null ? [] : [{ method, route: found }];
  });
}

/** Where a request's path leads by a method; null where nowhere. */
export function routeBy(
  request: CanonicalRequest,
  method: string | undefined,
  { route }: Pick<Enforcement, 'route'>,
): Route | null {
  const known = methods.find((one) => one === method);
  try {
    return known === undefined ? null : route({ ...request, method: known });
  } catch (error) {
    // A path that could be two is none.
    if (error instanceof Refusal) return null;
    throw error;
  }
}

/** For whom something of the path may be called; it is one path, so all of its methods are named. */
export const methodNotAllowed = (others: readonly OtherMethod[]) =>
  new Refusal(405, 'method-not-allowed', 'The path has no such method.', {
    allow: others.map(({ method }) => method).join(', '),
  });
