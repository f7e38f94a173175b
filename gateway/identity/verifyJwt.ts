import { hash, KeyObject } from 'node:crypto';
import * as errors from 'jose/errors';
import { decodeJwt } from 'jose/jwt/decode';
import { Refusal } from '../http/refusal.ts';
import { lruCache, MiB } from '../memory/lruCache.ts';
import { remember } from '../memory/remember.ts';
import { challenge } from './challenge.ts';
import type { Issuer, Issuers, Proven } from './issuers.ts';
import { type KeySet, KeySetError } from './keySet.ts';
import {
  claimsBytes,
  claimsFault,
  clockToleranceSeconds,
  hasGroupsElsewhere,
  isOtherType,
  readClaims,
  type TokenClaims,
} from './tokenClaims.ts';
import { type TokenCause, TokenRefusal, toldOf } from './tokenRefusal.ts';
import { fieldsOf, takeApart, verifyAgain } from './verifyAgain.ts';
import { type SignedToken, verifySignature } from './verifySignature.ts';

/** Verifies a bearer token; answers at once when it was verified before. */
export type VerifyJwt = (token: string) => TokenClaims | Promise<TokenClaims>;

const longest = 16 * 1024;
/** Room for more than 100,000 tokens as issuers write them. */
const mostBytes = 128 * MiB;
const compactJws = /^[A-Za-z0-9_-]+\.[A-Za-z0-9_-]+\.[A-Za-z0-9_-]+$/;

const invalid = (why: TokenCause, issuer: string | null) =>
  new TokenRefusal(why, issuer, toldOf(why), challenge(['jwt'], 'invalid_token'));

/** A token, and the hash that stands for it in memory. */
type Hashed = { token: string; id: string };
type Signed = { typ: unknown; payload: SignedToken['payload']; generation: number | null };
type Cached = { claims: TokenClaims; expiresAt: number; generation: number | null; keys: KeySet };

/** Builds the verifier for these issuers. The verifier throws Refusal 401, or 503 when the issuer's keys cannot be had. */
export function createVerifyJwt(trusted: Issuers, now: () => number): VerifyJwt {
  // Keyed by hash: no usable credential stays in memory longer than its request.
  const verified = lruCache<Cached>(mostBytes, ({ claims }) => claims.bytes);

  // An issuer's tokens have one header for each of its keys.
  const headerOf = remember(fieldsOf, 100);

  /** What a token says whose signature and time are good; it is remembered. Throws Refusal where that is not enough. */
  const accept = ({ config, keys }: Issuer, { typ, payload, generation }: Signed, { token, id }: Hashed) => {
    if (isOtherType(typ, payload, config.id_tokens)) throw invalid('type', config.issuer);
    if (hasGroupsElsewhere(payload, config)) throw invalid('groups', config.issuer);
    const read = readClaims(payload, 'jwt', config, now());
    if (read === null) throw invalid(claimsFault(payload, 'jwt', now()) ?? 'claims', config.issuer);
    if (read.expiresAt === null) throw invalid('expiry-missing', config.issuer);
    const claims: TokenClaims = { ...read, id, bytes: claimsBytes(lettersOf(token), read.groups) };
    verified.set(id, { claims, expiresAt: read.expiresAt, generation, keys });
    return claims;
  };

  /** At once, by a key that has verified another token; null: it takes a closer look. */
  const verifyByProven = (hashed: Hashed): TokenClaims | null => {
    const parts = takeApart(hashed.token, headerOf);
    const issuer = typeof parts?.payload.iss === 'string' ? trusted.get(parts.payload.iss) : undefined;
    if (parts === null || issuer === undefined) return null;
    const { config, keys, proven } = issuer;
    const generation = keys.current();
    if (generation === null || generation !== proven.generation) return null;
    const key = proven.keys.get(provenName(parts.header) ?? '');
    if (key === undefined || !verifyAgain(parts, key, config, now())) return null;
    return accept(issuer, { typ: parts.header.typ, payload: parts.payload, generation }, hashed);
  };

  const verify = async (hashed: Hashed): Promise<TokenClaims> => {
    const issuer = issuerOf(hashed.token, trusted);
    try {
      const signed = await verifySignature(hashed.token, issuer, now);
      prove(issuer.proven, signed);
      const { header, payload, generation } = signed;
      return accept(issuer, { typ: header.typ, payload, generation }, hashed);
    } catch (error) {
      throw refusalFor(error, issuer.config.issuer);
    }
  };

  return (token) => {
    if (token.length > longest) throw invalid('too-long', null);
    const id = hash('sha256', token, 'base64');
    const known = verified.get(id);
    const generation = known?.keys.generation() ?? null;
    if (known !== undefined && generation !== null && known.generation === generation) {
      if (known.expiresAt + clockToleranceSeconds > now() / 1000) return known.claims;
      verified.delete(id);
      throw invalid('expired', known.claims.issuer);
    }
    // Only what has this form gets among the verified, so those need not be looked at again.
    if (!compactJws.test(token)) throw invalid('form', null);
    const hashed = { token, id };
    return verifyByProven(hashed) ?? verify(hashed);
  };
}

/** Notes the key that has verified a token, so that the next one of the same header need not wait for it. */
function prove(proven: Proven, { header, key, generation }: SignedToken): void {
  const name = provenName(header);
  if (name === null || key === null || generation === null) return;
  if (proven.generation !== generation) proven.keys.clear();
  proven.generation = generation;
  proven.keys.set(name, KeyObject.from(key));
}

/** Of the text of a token's claims. */
const lettersOf = (token: string): number => Math.ceil(0.75 * (token.lastIndexOf('.') - token.indexOf('.')));

/** A key without a name may be any of its set's. */
const provenName = ({ alg, kid }: Readonly<Record<string, unknown>>): string | null =>
  typeof alg === 'string' && typeof kid === 'string' ? `${alg} ${kid}` : null;

function issuerOf<T>(token: string, trusted: ReadonlyMap<string, T>): T {
  let named: unknown;
  try {
    // Unverified, and used only to choose whose keys must verify the token; the verification checks it again.
    named = decodeJwt(token).iss;
  } catch {
    throw invalid('form', null);
  }
  const found = typeof named === 'string' ? trusted.get(named) : undefined;
  if (found === undefined) throw invalid('issuer', null);
  return found;
}

function refusalFor(error: unknown, issuer: string): Error {
  if (error instanceof Refusal) return error;
  if (error instanceof KeySetError) {
    const wait = { 'retry-after': '5' };
    return new Refusal(503, error.code, 'The token cannot be checked at the moment.', wait, error.cause);
  }
  if (error instanceof errors.JOSEError) return invalid(causeOf(error), issuer);
  // What jose and the platform say of a published key that is too short or of no use for the algorithm.
  if (error instanceof TypeError || error instanceof DOMException) return invalid('key-unusable', issuer);
  return error instanceof Error ? error : invalid('claims', issuer);
}

const claimCauses: Readonly<Record<string, TokenCause>> = {
  iss: 'issuer',
  aud: 'audience',
  sub: 'subject-missing',
  exp: 'expiry-missing',
  nbf: 'not-yet-valid',
  iat: 'not-yet-valid',
};

function causeOf(error: errors.JOSEError): TokenCause {
  if (error instanceof errors.JWTExpired) return 'expired';
  if (error instanceof errors.JWTClaimValidationFailed) return claimCauses[error.claim] ?? 'claims';
  if (error instanceof errors.JOSEAlgNotAllowed) return 'algorithm';
  if (error instanceof errors.JWKSNoMatchingKey) return 'key-unknown';
  if (error instanceof errors.JWSSignatureVerificationFailed) return 'signature';
  if (error instanceof errors.JWSInvalid) return 'form';
  return 'key-unusable';
}
