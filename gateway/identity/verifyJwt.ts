import { hash } from 'node:crypto';
import { decodeJwt, errors, jwtVerify } from 'jose';
import type { IssuerConfig } from '../config/config.ts';
import { Refusal } from '../http/refusal.ts';
import { lruCache } from '../memory/lruCache.ts';
import { challenge } from './challenge.ts';
import { createKeySet, type KeySet, KeySetError } from './keySet.ts';
import {
  claimsWeight,
  clockToleranceSeconds,
  groupsElsewhere,
  hasGroupsElsewhere,
  isOtherType,
  readClaims,
  type TokenClaims,
} from './tokenClaims.ts';

/** Verifies a bearer token; answers at once when it was verified before. */
export type JwtVerifier = (token: string) => TokenClaims | Promise<TokenClaims>;

const longest = 16 * 1024;
/** Keys of one name, or without a name, that a token is tried by. */
const mostTried = 8;
const compactJws = /^[A-Za-z0-9_-]+\.[A-Za-z0-9_-]+\.[A-Za-z0-9_-]+$/;

const invalid = (code = 'token-invalid', message = 'The token is not valid here.') =>
  new Refusal(401, code, message, challenge(['jwt'], 'invalid_token'));

type Options = {
  issuers: readonly IssuerConfig[];
  now: () => number;
  onKeyFetch?: (issuer: string, ok: boolean) => void;
};
type Cached = { claims: TokenClaims; expiresAt: number; generation: number | null; keys: KeySet };

/** Builds the verifier for the configured issuers. `now` in ms. The verifier throws Refusal 401, or 503 when the issuer's keys cannot be had. */
export function createJwtVerifier({ issuers, now, onKeyFetch }: Options): JwtVerifier {
  const trusted = new Map(
    issuers.map((config) => {
      const keys = createKeySet({
        issuer: config.issuer,
        ...(config.jwks_uri === undefined ? {} : { jwksUri: config.jwks_uri }),
        ...config.keys,
        now,
        onFetch: (ok) => onKeyFetch?.(config.issuer, ok),
      });
      return [config.issuer, { config, keys }] as const;
    }),
  );
  // Keyed by hash: no usable credential stays in memory longer than its request.
  const verified = lruCache<Cached>(20_000, ({ claims }) => claimsWeight(claims));

  const verify = async (token: string, id: string): Promise<TokenClaims> => {
    const { config, keys } = issuerOf(token, trusted);
    let generation: number | null = null;
    const keyOf: Parameters<typeof jwtVerify>[1] = async (header, jws) => {
      const key = await keys.key(header, jws);
      generation = keys.generation();
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
    /** Where several keys could have signed, the one that did is found by trying. */
    const checkAny = async () => {
      try {
        return await check(keyOf);
      } catch (error) {
        if (!(error instanceof errors.JWKSMultipleMatchingKeys)) throw error;
        generation = keys.generation();
        let tried = 0;
        for await (const key of error) {
          tried += 1;
          if (tried > mostTried) break;
          try {
            return await check(key);
          } catch (failed) {
            if (!(failed instanceof errors.JWSSignatureVerificationFailed)) throw failed;
          }
        }
        throw new errors.JWSSignatureVerificationFailed();
      }
    };
    try {
      const { payload, protectedHeader } = await checkAny().catch(async (error: unknown) => {
        // A key may have been replaced by another one of its name.
        if (!(error instanceof errors.JWSSignatureVerificationFailed) || !(await keys.renew())) throw error;
        return checkAny();
      });
      if (isOtherType(protectedHeader.typ, payload, config.id_tokens)) throw invalid();
      if (hasGroupsElsewhere(payload, config)) throw invalid('groups-elsewhere', groupsElsewhere);
      const read = readClaims(payload, 'jwt', config, now());
      if (read === null || read.expiresAt === null) throw invalid();
      const claims = { ...read, id };
      verified.set(id, { claims, expiresAt: read.expiresAt, generation, keys });
      return claims;
    } catch (error) {
      throw refusalFor(error);
    }
  };

  return (token) => {
    if (token.length > longest) throw invalid();
    const id = hash('sha256', token, 'base64');
    const known = verified.get(id);
    const generation = known?.keys.generation() ?? null;
    if (known !== undefined && generation !== null && known.generation === generation) {
      if (known.expiresAt + clockToleranceSeconds > now() / 1000) return known.claims;
      verified.delete(id);
      throw invalid('token-expired', 'The token has expired.');
    }
    // Only what has this form gets among the verified, so those need not be looked at again.
    if (!compactJws.test(token)) throw invalid();
    return verify(token, id);
  };
}

function issuerOf<T>(token: string, trusted: ReadonlyMap<string, T>): T {
  let named: unknown;
  try {
    // Unverified, and used only to choose whose keys must verify the token; the verification checks it again.
    named = decodeJwt(token).iss;
  } catch {
    throw invalid();
  }
  const found = typeof named === 'string' ? trusted.get(named) : undefined;
  if (found === undefined) throw invalid();
  return found;
}

function refusalFor(error: unknown): Error {
  if (error instanceof Refusal) return error;
  if (error instanceof KeySetError) {
    return new Refusal(503, error.code, 'The token cannot be checked at the moment.', { 'retry-after': '5' });
  }
  if (error instanceof errors.JWTExpired) return invalid('token-expired', 'The token has expired.');
  if (error instanceof errors.JOSEError) return invalid();
  // What jose and the platform say of a published key that is too short or of no use for the algorithm.
  if (error instanceof TypeError || error instanceof DOMException) return invalid();
  return error instanceof Error ? error : invalid();
}
