import { daySeconds } from '../../bundle/format/times.ts';
import { fold, isName } from '../../bundle/grants/names.ts';
import type { GatewayConfig } from '../config/config.ts';
import type { TokenCause } from './tokenRefusal.ts';

/** What a token that was verified says of its bearer. */
export type TokenClaims = {
  /** SHA-256 of the token: its name here. */
  readonly id: string;
  readonly method: 'jwt' | 'introspection';
  readonly issuer: string;
  /** The `sub` claim; empty for a client that speaks for itself, where the issuer says no more. */
  readonly sub: string;
  /** The claim that holds the login, as the issuer is configured. */
  readonly login: string | null;
  /** Why there is no login. */
  readonly unnamed?: TokenCause;
  /** `group:NAME`, folded and sorted, when the issuer is configured to carry groups; else null. */
  readonly groups: readonly string[] | null;
  readonly mfa: boolean;
  /** `exp`, whole seconds since 1970; null when the issuer sets none. */
  readonly expiresAt: number | null;
  /** The services that its issuer may name; left out, any. */
  readonly services?: readonly string[] | undefined;
  /** Every claim, for services that are known by more than a subject. */
  readonly payload: Readonly<Record<string, unknown>>;
  /** What it takes that is remembered. */
  readonly bytes: number;
};

/** The same of a token whose name and size are not known here. */
export type ReadClaims = Omit<TokenClaims, 'id' | 'bytes'>;

type Config = GatewayConfig['issuers'][number];
type Mapping = Pick<Config, 'issuer' | 'login_claim' | 'groups'> &
  Partial<Pick<Config, 'people' | 'services' | 'unverified_email' | 'second_factor'>>;

/** What claims take that are remembered, by the letters of their text, measured on the heap and rounded up: 1.1 kB for 340. */
export const claimsBytes = (letters: number, groups: TokenClaims['groups']): number =>
  600 + Math.ceil(1.5 * letters) + 64 * (groups?.length ?? 0);

export const clockToleranceSeconds = 5;
/** Past this a far `exp` (1e308 is a number too) is no honest lifetime. */
const longestLifetimeSeconds = 400 * daySeconds;

/** Reads a token's claims as its issuer is configured; null when they cannot be believed. `nowMs` since 1970. */
export function readClaims(
  payload: Readonly<Record<string, unknown>>,
  method: TokenClaims['method'],
  mapping: Mapping,
  nowMs: number,
): ReadClaims | null {
  const { issuer, groups, services } = mapping;
  const { exp } = payload;
  const sub = subjectOf(payload, method);
  if (sub === null || claimsFault(payload, method, nowMs) !== null) return null;
  const login = loginOf(payload, mapping);
  return {
    method,
    issuer,
    sub,
    login: login.is,
    ...(login.is === null ? { unnamed: login.why } : {}),
    groups: groups === 'directory' ? null : groupsOf(claimAt(payload, groups.claim)),
    mfa: hasSecondFactor(payload, mapping.second_factor),
    expiresAt: typeof exp === 'number' ? Math.floor(exp) : null,
    ...(services === undefined ? {} : { services }),
    payload,
  };
}

/** RFC 7662 lets issuers leave it out for clients that speak for themselves; no subject is written so. */
function subjectOf({ sub }: Readonly<Record<string, unknown>>, method: TokenClaims['method']): string | null {
  if (sub === undefined && method === 'introspection') return '';
  return typeof sub === 'string' && sub !== '' ? sub : null;
}

/** Why the claims of a token cannot be believed; null when they can. `nowMs` since 1970. */
export function claimsFault(
  payload: Readonly<Record<string, unknown>>,
  method: TokenClaims['method'],
  nowMs: number,
): TokenCause | null {
  const { exp, iat, nbf } = payload;
  if (subjectOf(payload, method) === null) return 'subject-missing';
  if (exp !== undefined && !(typeof exp === 'number' && exp <= nowMs / 1000 + longestLifetimeSeconds))
    return 'expiry-missing';
  // jose looks at `iat` only where a largest age is asked for.
  for (const from of [iat, nbf])
    if (from !== undefined && !(typeof from === 'number' && from <= nowMs / 1000 + clockToleranceSeconds))
      return 'not-yet-valid';
  return null;
}

type Login = { is: string } | { is: null; why: TokenCause };
const unnamed = (why: TokenCause): Login => ({ is: null, why });

/** The login that a token names; null where its issuer may not name it, or has not verified it. */
function loginOf(
  payload: Readonly<Record<string, unknown>>,
  { login_claim, people, unverified_email }: Mapping,
): Login {
  const login = Object.hasOwn(payload, login_claim) ? payload[login_claim] : undefined;
  if (typeof login !== 'string') return unnamed('login-missing');
  const { email } = payload;
  // A user name may be a mail address that its owner has only claimed to have.
  const isMail = login_claim === 'email' || (typeof email === 'string' && fold(email) === fold(login));
  if (isMail && unverified_email !== 'accept' && isUnverified(payload)) return unnamed('email-unverified');
  if (people !== undefined && !people.some((end) => fold(login).endsWith(fold(end))))
    return unnamed('people');
  return { is: login };
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

/** The methods that count (RFC 8176), or the classes of authentication that do. */
function hasSecondFactor(
  { amr, acr }: Readonly<Record<string, unknown>>,
  { amr: methods, acr: classes }: NonNullable<Mapping['second_factor']> = { amr: ['mfa'], acr: [] },
): boolean {
  if (Array.isArray(amr) && amr.some((method) => methods.includes(method))) return true;
  return typeof acr === 'string' && classes.includes(acr);
}

/** A claim by its name or, where none is called so, by a path through others: `realm_access.roles`. */
export function claimAt(payload: Readonly<Record<string, unknown>>, name: string): unknown {
  if (Object.hasOwn(payload, name)) return payload[name];
  let value: unknown = payload;
  for (const part of name.split('.')) {
    if (typeof value !== 'object' || value === null || !Object.hasOwn(value, part)) return undefined;
    value = (value as Record<string, unknown>)[part];
  }
  return value;
}

/**
 * Whether the groups that a token shall carry stand elsewhere: Entra leaves them out of a token where they are many, and
 * says so. To take that for no groups would be a denial that nobody understands.
 */
export function hasGroupsElsewhere(
  payload: Readonly<Record<string, unknown>>,
  { groups }: Pick<Mapping, 'groups'>,
): boolean {
  if (groups === 'directory' || claimAt(payload, groups.claim) !== undefined) return false;
  const { _claim_names: names, hasgroups } = payload;
  if (hasgroups === true || hasgroups === 'true') return true;
  return typeof names === 'object' && names !== null && Object.hasOwn(names, groups.claim);
}

/** Text is one group. Keycloak writes its groups as paths from a root. */
function groupsOf(claim: unknown): readonly string[] {
  const list: unknown = typeof claim === 'string' ? [claim] : claim;
  if (!Array.isArray(list) || list.length > 500) return [];
  const names = list
    .filter((name): name is string => typeof name === 'string')
    .map((name) => (name.startsWith('/') ? name.slice(1) : name))
    .filter(isName);
  return [...new Set(names.map((name) => `group:${fold(name)}`))].sort();
}
