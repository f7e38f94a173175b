import type { Enforcement } from './decision/enforcement.ts';
import { Refusal } from './http/refusal.ts';
import { type CanonicalRequest, methods } from './request/canonicalize.ts';
import type { Route } from './request/route.ts';

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
    try {
      const found = method === request.method ? null : route({ ...request, method });
      return found === null ? [] : [{ method, route: found }];
    } catch (error) {
      // A path that could be two is none.
      if (error instanceof Refusal) return [];
      throw error;
    }
  });
}

/** For whom something of the path may be called; it is one path, so all of its methods are named. */
export const methodNotAllowed = (others: readonly OtherMethod[]) =>
  new Refusal(405, 'method-not-allowed', 'The path has no such method.', {
    allow: others.map(({ method }) => method).join(', '),
  });
