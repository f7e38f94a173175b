import type { ReceivedRequest } from './decision/admission.ts';
import type { Enforcement } from './decision/enforcement.ts';
import { Refusal } from './http/refusal.ts';
import type { Authenticate } from './identity/authenticate.ts';
import { anybody, isPublic } from './identity/identify.ts';
import { methodNotAllowed, noSuchOperation, otherMethods } from './otherMethods.ts';
import type { CanonicalRequest } from './request/canonicalize.ts';

type Options = {
  authenticate: Authenticate;
  /** Somebody sent a credential that is not valid: else keys could be guessed here, uncounted. */
  onRefused: (refusal: Refusal, request: ReceivedRequest) => void;
  now: () => number;
};

/**
 * Why a request has no operation. Who may call some other method of its path is told which there are; to all others the
 * path does not exist, whoever they are and whatever they bring.
 */
export type Unrouted = (
  request: ReceivedRequest,
  canonical: CanonicalRequest,
  by: Enforcement,
) => Promise<Refusal>;

export function createUnrouted({ authenticate, onRefused, now }: Options): Unrouted {
  return async (request, canonical, by) => {
    const others = otherMethods(canonical, by);
    const [first] = others;
    if (first === undefined) return noSuchOperation();
    try {
      const open = others.find(({ route }) => isPublic(by.snapshot, route));
      const identity =
        open === undefined
          ? await authenticate(request, canonical.query, by.snapshot, first.route.api)
          : anybody;
      const networks = by.networksOf(request.address);
      const time = Math.floor(now() / 1000);
      const may = others.some(
        ({ method, route }) =>
          by.decide({ identity, route, method, networks, time, path: canonical.path, headers: request })
            .result.allow,
      );
      return may ? methodNotAllowed(others) : noSuchOperation();
    } catch (error) {
      if (!(error instanceof Refusal)) throw error;
      onRefused(error, request);
      return noSuchOperation();
    }
  };
}
