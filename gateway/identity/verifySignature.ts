import * as errors from 'jose/errors';
import { jwtVerify } from 'jose/jwt/verify';
import type { Issuer } from './issuers.ts';
import { clockToleranceSeconds } from './tokenClaims.ts';

type Members = Readonly<Record<string, unknown>>;

/**
 * A token whose signature, issuer, audience and time are good. `key` has verified it and is of the issuer's keys of this
 * `generation`; null where that cannot be said.
 */
export type SignedToken = {
  header: Members;
  payload: Members;
  generation: number | null;
  key: CryptoKey | null;
};

/** Keys of one name, or without a name, that a token is tried by. */
const mostTried = 8;

/**
 * Verifies a token by the keys that its issuer publishes; fetches them anew where none of them has signed it. Throws
 * KeySetError, JOSEError, and TypeError or DOMException for a published key that is of no use.
 */
export async function verifySignature(
  token: string,
  { config, keys }: Pick<Issuer, 'config' | 'keys'>,
  now: () => number,
): Promise<SignedToken> {
  let generation: number | null = null;
  let found: CryptoKey | null = null;
  const keyOf: Parameters<typeof jwtVerify>[1] = async (header, jws) => {
    const before = keys.generation();
    const key = await keys.key(header, jws);
    generation = keys.generation();
    // Of a set that was replaced meanwhile nobody can say whether it still holds this one.
    found = key instanceof CryptoKey && generation === before ? key : null;
    return key;
  };
  const check = <Key extends typeof keyOf | CryptoKey>(key: Key) =>
    jwtVerify(token, key as typeof keyOf, {
      issuer: config.issuer,
      audience: config.audience,
      algorithms: config.algorithms,
      requiredClaims: ['exp', 'sub'],
      clockTolerance: clockToleranceSeconds,
      currentDate: new Date(now()),
    });
  const verify = async () => {
    try {
      return await check(keyOf);
    } catch (error) {
      if (!(error instanceof errors.JWKSMultipleMatchingKeys)) throw error;
      [generation, found] = [keys.generation(), null];
      return await checkByTrying(error, check);
    }
  };
  const { payload, protectedHeader } = await verify().catch(async (error: unknown) => {
    // A key may have been replaced by another one of its name.
    if (!(error instanceof errors.JWSSignatureVerificationFailed) || !(await keys.renew())) throw error;
    return verify();
  });
  return { header: protectedHeader, payload, generation, key: found };
}

/** Where several keys could have signed, the one that did is found by trying. */
async function checkByTrying<T>(
  several: errors.JWKSMultipleMatchingKeys,
  check: (key: CryptoKey) => Promise<T>,
): Promise<T> {
  let tried = 0;
  for await (const key of several) {
    tried += 1;
    if (tried > mostTried) break;
    try {
      return await check(key);
    } catch (error) {
      if (!(error instanceof errors.JWSSignatureVerificationFailed)) throw error;
    }
  }
  throw new errors.JWSSignatureVerificationFailed();
}
