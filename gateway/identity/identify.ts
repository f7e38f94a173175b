import { anonymous } from '../../bundle/data/anonymous.ts';
import type { AuthenticationMethod } from '../../bundle/grants/credentials.ts';
import { fold, isName } from '../../bundle/grants/names.ts';
import { lruCache, MiB } from '../memory/lruCache.ts';
import type { Credentials, Snapshot } from '../revision/snapshot.ts';
import type { ClientCertificate } from './clientCertificate.ts';
import type { TokenClaims } from './tokenClaims.ts';

/** A credential that was verified, less what the directory makes of it. */
export type Proof = TokenClaims | ClientCertificate | ApiKey;
/** `sha256` of the secret part, hex. */
export type ApiKey = { method: 'api-key'; sha256: string };

/** Who calls, as proved by a credential. */
export type Identity = {
  /** `user:LOGIN` or `service:NAME`, folded; `anonymous` where the operation is public. */
  readonly subject: string;
  /** Groups the token carries, when its issuer is configured so; null: the directory decides. */
  readonly groups: readonly string[] | null;
  readonly mfa: boolean;
  /** When the credential ends, whole seconds since 1970; null when it does not. */
  readonly expiresAt: number | null;
  /**
   * The credential's name, which says nothing of its secret: what is remembered of a caller is found by it. Left out
   * where somebody else says who calls.
   */
  readonly credential?: string;
  /** What proved it; a later revision may see it otherwise. */
  readonly proof?: Proof;
};

/** Whether anybody may call an operation. Who does is not asked: a credential that comes along is not looked at. */
export const isPublic = (
  { apis }: Pick<Snapshot, 'apis'>,
  { api, operation }: { api: string; operation: string },
): boolean => apis.get(api)?.public?.includes(operation) === true;

/** Whoever calls a public operation, with or without a credential, good or bad. */
export const anybody: Identity = { subject: anonymous, groups: null, mfa: false, expiresAt: null };

/** Who a credential proves the caller to be, by one revision's directory; null: nobody, or more than one. */
export function identify(proof: Proof, credentials: Credentials): Identity | null {
  switch (proof.method) {
    case 'api-key': {
      const subject = credentials.apiKeys.get(proof.sha256);
      return subject === undefined ? null : asService(proof, subject, null);
    }
    case 'client-certificate': {
      const subject = certified(proof, credentials);
      return subject === null ? null : asService(proof, subject, proof.validTo);
    }
    case 'jwt':
    case 'introspection': {
      const { login, groups, mfa, expiresAt } = proof;
      const service = serviceOf(proof, credentials);
      if (service !== undefined)
        return service === null || proof.services?.includes(service) === false
          ? null
          : asService(proof, service, expiresAt);
      if (login === null || !isName(login)) return null;
      return { subject: `user:${fold(login)}`, groups, mfa, expiresAt, credential: proof.id, proof };
    }
    default:
      return proof satisfies never;
  }
}

const asService = (proof: Proof, subject: string, expiresAt: number | null): Identity => ({
  subject,
  groups: null,
  mfa: false,
  expiresAt,
  credential: nameOf(proof),
  proof,
});

/** By hash: no usable credential stays in memory. */
function nameOf(proof: Proof): string {
  switch (proof.method) {
    case 'api-key':
      return proof.sha256;
    case 'client-certificate':
      return proof.thumbprint;
    case 'jwt':
    case 'introspection':
      return proof.id;
    default:
      return proof satisfies never;
  }
}

/** What an identity takes that is remembered, its proof included. */
export function identityBytes({ subject, groups, proof }: Identity): number {
  const named = 300 + 2 * subject.length;
  if (proof?.method === 'jwt' || proof?.method === 'introspection') return named + proof.bytes;
  const names = proof?.method === 'client-certificate' ? [...proof.uris, ...proof.dns, proof.subject] : [];
  return [...(groups ?? []), ...names].reduce((sum, { length }) => sum + 2 * length + 24, named);
}

/** `identify` that remembers its answers by the credential's name, for as long as the directory is the same. */
export function rememberIdentities(): typeof identify {
  const known = lruCache<Identity>(64 * MiB, identityBytes);
  let of: Credentials | null = null;
  return (proof, credentials) => {
    if (credentials !== of) {
      known.clear();
      of = credentials;
    }
    const key = nameOf(proof);
    const before = known.get(key);
    // An issuer that is asked again about a token may say something else of it.
    if (before !== undefined && (before.proof === proof || proof.method === 'api-key')) return before;
    const identity = identify(proof, credentials);
    if (identity === null) return null;
    known.set(key, identity);
    return identity;
  };
}

/** Whether an API takes callers who authenticate so. */
export function accepts(snapshot: Snapshot, api: string | null, method: AuthenticationMethod): boolean {
  const accepted = api === null ? undefined : snapshot.apis.get(api)?.authentication;
  return accepted === undefined || accepted.includes(method);
}

/** Whether a revision still takes the credential that proved an identity for the same caller. */
export function stillProved({ proof, subject }: Identity, api: string, snapshot: Snapshot): boolean {
  if (proof === undefined) return true;
  return accepts(snapshot, api, proof.method) && identify(proof, snapshot.credentials)?.subject === subject;
}

/** The service a token is of; null when it could be two; undefined when it is no service's. */
function serviceOf(
  { issuer, sub, payload }: TokenClaims,
  credentials: Credentials,
): string | null | undefined {
  const named = credentials.jwtSubjects.get(`${issuer}|${sub}`);
  const claimed = credentials.jwtClaims.get(issuer);
  if (claimed === undefined) return named;
  const found = new Set(named === undefined ? [] : [named]);
  for (const { claims, service } of claimed)
    if (claims.every(([claim, value]) => Object.hasOwn(payload, claim) && payload[claim] === value))
      found.add(service);
  const [service] = found;
  return found.size > 1 ? null : service;
}

function certified(
  { uris, dns, subject }: ClientCertificate,
  { spiffeIds, certificateUris, certificateDns, certificateSubjects }: Credentials,
): string | null {
  const spiffe = uris.filter((uri) => uri.startsWith('spiffe:'));
  // A SPIFFE identity has exactly one URI (X509-SVID, 2).
  if (spiffe.length > 0 && uris.length > 1) return null;
  const found = new Set<string>();
  const add = (service: string | undefined) => {
    if (service !== undefined) found.add(service);
  };
  for (const uri of uris) add(spiffeIds.get(uri) ?? certificateUris.get(uri));
  for (const name of dns) add(certificateDns.get(name));
  add(certificateSubjects.get(subject));
  const [service] = found;
  return found.size === 1 ? (service ?? null) : null;
}
