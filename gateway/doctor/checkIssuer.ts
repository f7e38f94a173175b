import { createPublicKey } from 'node:crypto';
import type { JWK } from 'jose';
import type { IssuerConfig } from '../config/config.ts';
import { detailOf, faultOf } from '../http/fault.ts';
import { fetchKeys } from '../identity/fetchKeys.ts';
import { clockToleranceSeconds } from '../identity/tokenClaims.ts';
import { type Finding, ok, problem, warning } from './finding.ts';

/** The keys of an issuer can be had and verify what is configured, and its clock is ours. */
export async function checkIssuer(config: IssuerConfig, now: () => number): Promise<Finding[]> {
  const check = `issuer ${config.issuer}`;
  let skewSeconds: number | null = null;
  const onHeaders = (headers: Headers) => {
    const atMs = Date.parse(headers.get('date') ?? '');
    if (!Number.isNaN(atMs)) skewSeconds = Math.round((atMs - now()) / 1000);
  };
  try {
    const { keys } = await fetchKeys({ issuer: config.issuer, jwksUri: config.jwks_uri, onHeaders });
    const usable = keys.filter((key) => fits(key, config.algorithms)).length;
    const found =
      usable > 0
        ? ok(check, `${usable} of ${keys.length} keys can verify its tokens`)
        : problem(
            check,
            `none of its ${keys.length} keys can verify ${config.algorithms.join(', ')}`,
            'set "algorithms" to what it signs with; RSA keys must have 2048 bits at least',
          );
    return [found, ...clock(check, skewSeconds)];
  } catch (error) {
    const place =
      config.jwks_uri === undefined
        ? 'see "issuer" (as its tokens have it, to the letter)'
        : 'see "jwks_uri"';
    return [
      problem(
        check,
        `its keys cannot be had (${faultOf(error)}): ${detailOf(error) ?? 'no reason given'}`,
        `${place}, and that this machine may reach it; until then its tokens get 503`,
      ),
      ...clock(check, skewSeconds),
    ];
  }
}

function clock(check: string, skewSeconds: number | null): Finding[] {
  // A Date has whole seconds, and an answer takes its time.
  if (skewSeconds === null || Math.abs(skewSeconds) <= clockToleranceSeconds + 2) return [];
  const message = `its clock is ${Math.abs(skewSeconds)} s ${skewSeconds > 0 ? 'ahead of' : 'behind'} ours; ${clockToleranceSeconds} s are tolerated`;
  const advice =
    'keep this machine at the right time (NTP): tokens are refused before their time or after it';
  return [Math.abs(skewSeconds) > 60 ? problem(check, message, advice) : warning(check, message, advice)];
}

/** Whether jose would verify by it with one of the algorithms. */
function fits(key: JWK, algorithms: readonly string[]): boolean {
  if (key.use !== undefined && key.use !== 'sig') return false;
  if (key.key_ops !== undefined && !key.key_ops.includes('verify')) return false;
  try {
    const { asymmetricKeyDetails } = createPublicKey({ key, format: 'jwk' });
    if (key.kty === 'RSA' && (asymmetricKeyDetails?.modulusLength ?? 0) < 2048) return false;
  } catch {
    return false;
  }
  return possible(key).some(
    (name) => algorithms.includes(name) && (key.alg === undefined || key.alg === name),
  );
}

function possible({ kty, crv }: JWK): readonly string[] {
  if (kty === 'RSA') return ['RS256', 'RS384', 'RS512', 'PS256', 'PS384', 'PS512'];
  if (kty === 'EC') return { 'P-256': ['ES256'], 'P-384': ['ES384'], 'P-521': ['ES512'] }[crv ?? ''] ?? [];
  return kty === 'OKP' && crv === 'Ed25519' ? ['EdDSA', 'Ed25519'] : [];
}
