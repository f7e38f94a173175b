import { fold, isName } from '../../bundle/grants/names.ts';
import type { GatewayConfig } from '../config/config.ts';

/** What a token that was verified says of its bearer. */
export type TokenClaims = {
  /** SHA-256 of the token: its name here. */
  id: string;
  method: 'jwt' | 'introspection';
  issuer: string;
  /** The `sub` claim; empty for a client that speaks for itself, where the issuer says no more. */
  sub: string;
  /** The claim that holds the login, as the issuer is configured. */
  login: string | null;
  /** `group:NAME`, folded and sorted, when the issuer is configured to carry groups; else null. */
  groups: readonly string[] | null;
  mfa: boolean;
  /** `exp`, whole seconds since 1970; null when the issuer sets none. */
  expiresAt: number | null;
  /** Every claim, for services that are known by more than a subject. */
  payload: Readonly<Record<string, unknown>>;
};

type Mapping = Pick<GatewayConfig['issuers'][number], 'issuer' | 'login_claim' | 'groups'>;

export const clockToleranceSeconds = 5;
/** Past this a far `exp` (1e308 is a number too) is no honest lifetime. */
const longestLifetimeSeconds = 400 * 86_400;

/** Reads a token's claims as its issuer is configured; null when they cannot be believed. `now` in ms. */
export function readClaims(
  payload: Readonly<Record<string, unknown>>,
  method: TokenClaims['method'],
  { issuer, login_claim, groups }: Mapping,
  now: number,
): Omit<TokenClaims, 'id'> | null {
  const { exp, iat, nbf, amr } = payload;
  // RFC 7662 lets issuers leave it out for clients that speak for themselves; no subject is written so.
  const { sub = method === 'introspection' ? '' : undefined } = payload;
  if (typeof sub !== 'string' || (sub === '' && payload.sub !== undefined)) return null;
  if (exp !== undefined && !(typeof exp === 'number' && exp <= now / 1000 + longestLifetimeSeconds))
    return null;
  // jose looks at `iat` only where a largest age is asked for.
  for (const from of [iat, nbf])
    if (from !== undefined && !(typeof from === 'number' && from <= now / 1000 + clockToleranceSeconds))
      return null;
  const login = payload[login_claim];
  return {
    method,
    issuer,
    sub,
    login: typeof login === 'string' ? login : null,
    groups: groups === 'directory' ? null : groupsOf(payload[groups.claim]),
    mfa: Array.isArray(amr) && amr.includes('mfa'),
    expiresAt: exp === undefined ? null : Math.floor(exp),
    payload,
  };
}

function groupsOf(claim: unknown): readonly string[] {
  if (!Array.isArray(claim) || claim.length > 500) return [];
  const names = claim.filter((name): name is string => typeof name === 'string' && isName(name));
  return [...new Set(names.map((name) => `group:${fold(name)}`))].sort();
}
