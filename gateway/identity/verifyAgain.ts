// What jose does for a token whose issuer's key is not known yet, done at once for the others. It only ever says yes: for
// whatever is not plain, jose is asked, so nothing is refused here and nothing passes here that would not pass there.

import { constants, type KeyObject, type SigningOptions, verify } from 'node:crypto';
import { isMapping } from '../../bundle/format/isMapping.ts';
import type { IssuerConfig } from '../config/config.ts';
import { clockToleranceSeconds } from './tokenClaims.ts';

type Fields = Readonly<Record<string, unknown>>;

/** A compact JWS taken apart, of which nothing is verified. */
export type Parts = { header: Fields; payload: Fields; signed: string; signature: string };

/** Null when it is no such thing. `headerOf` reads a header as `fieldsOf` does. */
export function takeApart(token: string, headerOf: typeof fieldsOf = fieldsOf): Parts | null {
  const [header, payload, signature, ...more] = token.split('.');
  if (header === undefined || payload === undefined || signature === undefined || more.length > 0)
    return null;
  const [first, second] = [headerOf(header), fieldsOf(payload)];
  if (first === null || second === null) return null;
  return { header: first, payload: second, signed: token.slice(0, -signature.length - 1), signature };
}

/** A part's JSON object; null when it is none. */
export function fieldsOf(part: string): Fields | null {
  try {
    const value: unknown = JSON.parse(Buffer.from(part, 'base64url').toString());
    return isMapping(value) ? value : null;
  } catch {
    return null;
  }
}

/** With options beside the key, Node looks at what it was given for half as long as RSA takes. */
type Algorithm = { digest: string | null; options?: SigningOptions };

const pss = (digest: string, saltLength: number): Algorithm => ({
  digest,
  options: { padding: constants.RSA_PKCS1_PSS_PADDING, saltLength },
});
const ecdsa = (digest: string): Algorithm => ({ digest, options: { dsaEncoding: 'ieee-p1363' } });
const algorithms: ReadonlyMap<unknown, Algorithm> = new Map<unknown, Algorithm>([
  ['RS256', { digest: 'sha256' }],
  ['RS384', { digest: 'sha384' }],
  ['RS512', { digest: 'sha512' }],
  ['PS256', pss('sha256', 32)],
  ['PS384', pss('sha384', 48)],
  ['PS512', pss('sha512', 64)],
  ['ES256', ecdsa('sha256')],
  ['ES384', ecdsa('sha384')],
  ['ES512', ecdsa('sha512')],
  ['EdDSA', { digest: null }],
  ['Ed25519', { digest: null }],
]);

/**
 * Whether a token is surely good: signed by `key`, which verified another token with the same `alg` and `kid` before, for
 * us, by this issuer, and in its time; `nowMs` since 1970. False means that it has to be looked at closely.
 */
export function verifyAgain(
  { header, payload, signed, signature }: Parts,
  key: KeyObject,
  { issuer, audience, algorithms: accepted }: Pick<IssuerConfig, 'issuer' | 'audience' | 'algorithms'>,
  nowMs: number,
): boolean {
  const algorithm = algorithms.get(header.alg);
  if (algorithm === undefined || 'crit' in header || !accepted.some((one) => one === header.alg))
    return false;
  const seconds = Math.floor(nowMs / 1000);
  const { iss, aud, sub, exp, nbf, iat } = payload;
  if (iss !== issuer || typeof sub !== 'string' || !isFor(aud, audience)) return false;
  if (typeof exp !== 'number' || exp <= seconds - clockToleranceSeconds) return false;
  if (nbf !== undefined && !(typeof nbf === 'number' && nbf <= seconds + clockToleranceSeconds)) return false;
  if (iat !== undefined && typeof iat !== 'number') return false;
  const bytes = Buffer.from(signature, 'base64url');
  // Bits behind the last byte: another spelling of the same, which is not looked for.
  if (bytes.toString('base64url') !== signature) return false;
  const { digest, options } = algorithm;
  // PKCS #1 v1.5 is what a key that is for RSA in general signs by where nothing else is said.
  if (digest !== null && options === undefined && key.asymmetricKeyType !== 'rsa') return false;
  return verify(digest, Buffer.from(signed), options === undefined ? key : { key, ...options }, bytes);
}

function isFor(aud: unknown, audience: string | readonly string[]): boolean {
  const ours = typeof audience === 'string' ? [audience] : audience;
  const named: readonly unknown[] = Array.isArray(aud) ? aud : [aud];
  return ours.some((one) => named.includes(one));
}
