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
  /** The services that its issuer may name; left out, any. */
  services?: readonly string[] | undefined;
  /** Every claim, for services that are known by more than a subject. */
  payload: Readonly<Record<string, unknown>>;
};

type Config = GatewayConfig['issuers'][number];
type Mapping = Pick<Config, 'issuer' | 'login_claim' | 'groups'> &
  Partial<Pick<Config, 'people' | 'services' | 'unverified_email'>>;

export const clockToleranceSeconds = 5;
/** Past this a far `exp` (1e308 is a number too) is no honest lifetime. */
const longestLifetimeSeconds = 400 * 86_400;

/** Reads a token's claims as its issuer is configured; null when they cannot be believed. `now` in ms. */
export function readClaims(
  payload: Readonly<Record<string, unknown>>,
  method: TokenClaims['method'],
  mapping: Mapping,
  now: number,
): Omit<TokenClaims, 'id'> | null {
  const { issuer, groups, services } = mapping;
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
  return {
    method,
    issuer,
    sub,
    login: loginOf(payload, mapping),
    groups: groups === 'directory' ? null : groupsOf(payload[groups.claim]),
    mfa: Array.isArray(amr) && amr.includes('mfa'),
    expiresAt: exp === undefined ? null : Math.floor(exp),
    ...(services === undefined ? {} : { services }),
    payload,
  };
}

/** The login that a token names; null where its issuer may not name it, or has not verified it. */
function loginOf(
  payload: Readonly<Record<string, unknown>>,
  { login_claim, people, unverified_email }: Mapping,
): string | null {
  const login = Object.hasOwn(payload, login_claim) ? payload[login_claim] : undefined;
  if (typeof login !== 'string') return null;
  const { email } = payload;
  // A user name may be a mail address that its owner has only claimed to have.
  const isMail = login_claim === 'email' || (typeof email === 'string' && fold(email) === fold(login));
  if (isMail && unverified_email !== 'accept' && isUnverified(payload)) return null;
  if (people !== undefined && !people.some((end) => fold(login).endsWith(fold(end)))) return null;
  return login;
}

/** What says nothing about it is believed; what says anything but yes is not. Entra says 1. */
function isUnverified({
  email_verified: verified,
  xms_edov: owned,
}: Readonly<Record<string, unknown>>): boolean {
  const yes: readonly unknown[] = [undefined, true, 'true', 1, '1'];
  return !yes.includes(verified) || !yes.includes(owned);
}

/**
 * Whether a token is none that gives access: an ID token, a log-out, a refresh token, by the `typ` of its header
 * (RFC 9068, 2.1) and by what Keycloak, Cognito and OpenID Connect write into such ones.
 */
export function isOtherType(
  typ: unknown,
  payload: Readonly<Record<string, unknown>>,
  idTokens: 'refuse' | 'accept' = 'refuse',
): boolean {
  const header = typeof typ === 'string' ? typ.toLowerCase().replace(/^application\//, '') : typ;
  if (header !== undefined && header !== 'jwt' && header !== 'at+jwt') return true;
  const { typ: type, token_use: use, events } = payload;
  const kinds = [undefined, 'bearer', 'jwt', 'access', 'access_token', 'at+jwt'];
  if (idTokens === 'accept') kinds.push('id', 'id_token');
  const known = (kind: unknown) =>
    kinds.includes(typeof kind === 'string' ? kind.toLowerCase() : (kind as undefined));
  if (!known(type) || !known(use) || events !== undefined) return true;
  // Hashes of what came along with an ID token (OpenID Connect Core, 3.3.2.11).
  return (
    idTokens === 'refuse' && ['at_hash', 'c_hash', 's_hash'].some((name) => Object.hasOwn(payload, name))
  );
}

function groupsOf(claim: unknown): readonly string[] {
  if (!Array.isArray(claim) || claim.length > 500) return [];
  const names = claim.filter((name): name is string => typeof name === 'string' && isName(name));
  return [...new Set(names.map((name) => `group:${fold(name)}`))].sort();
}
