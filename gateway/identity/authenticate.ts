import { hash } from 'node:crypto';
import { type AuthenticationMethod, authenticationMethods } from '../../bundle/grants/credentials.ts';
import { Refusal } from '../http/refusal.ts';
import { whenKnown } from '../memory/whenKnown.ts';
import type { Snapshot } from '../revision/snapshot.ts';
import { type BearerError, challenge } from './challenge.ts';
import type { ClientCertificate } from './clientCertificate.ts';
import { accepts, type Identity, type Proof, rememberIdentities } from './identify.ts';
import type { Introspect } from './introspect.ts';
import type { TokenClaims } from './tokenClaims.ts';
import { type TokenCause, TokenRefusal } from './tokenRefusal.ts';
import type { VerifyJwt } from './verifyJwt.ts';

export type { Identity } from './identify.ts';

/** Where credentials come in: headers, names and values in turn, and the connection's certificate. */
export type Presented = {
  rawHeaders: readonly string[];
  certificate?: ClientCertificate | null;
  /** Where it comes from. */
  address?: string;
};

/**
 * Authenticates a request for an API (null: for no API) against a revision's directory. Throws Refusal (400
 * ambiguous, 401, 503).
 */
export type Authenticate = (
  presented: Presented,
  query: string,
  snapshot: Snapshot,
  api: string | null,
) => Identity | Promise<Identity>;

type Options = {
  verifyJwt: VerifyJwt;
  /** Null when nobody is configured who could be asked about opaque tokens. */
  introspect: Introspect | null;
  /** The ways that challenges name where an API says nothing of its own. */
  methods?: readonly AuthenticationMethod[];
  /** Is told of tokens that are refused; the issuer is a configured one, or null. */
  onTokenRefused?: ((issuer: string | null, why: TokenCause) => void) | undefined;
  /** Milliseconds since 1970. */
  now: () => number;
};

const apiKeyForm = /^gg_[A-Za-z0-9]{4,32}_([A-Za-z0-9_-]{16,128})$/;
const tokenCharacters = /^[\x21-\x7e]+$/;
/** Three parts, of which the first begins as a JSON object does in base64url. */
export const jwtForm = /^e(?:yJ|yA|w[o0k])[A-Za-z0-9_-]*\.[A-Za-z0-9_-]*\.[A-Za-z0-9_-]*$/;

/**
 * Accepts bearer tokens (JWTs and, where configured, opaque ones), API keys as a bearer token or in `x-api-key`, and
 * the certificate of the connection. Exactly one credential in the headers counts, and with none the certificate: a
 * service may speak for a person whose token it brings, over a connection of its own.
 */
export function createAuthenticate(options: Options): Authenticate {
  const { verifyJwt, introspect, methods = authenticationMethods, onTokenRefused, now } = options;
  const identify = rememberIdentities();

  type Place = { snapshot: Snapshot; api: string | null };
  // Made once: what a request does not need, it does not pay for.
  const refuse = ({ snapshot, api }: Place, code: string, message: string, error?: BearerError) => {
    const accepted = (api === null ? undefined : snapshot.apis.get(api)?.authentication) ?? methods;
    return new Refusal(error === 'invalid_request' ? 400 : 401, code, message, challenge(accepted, error));
  };
  const assertAccepted = (place: Place, method: AuthenticationMethod, error?: BearerError) => {
    if (!accepts(place.snapshot, place.api, method))
      throw refuse(place, 'credentials-not-accepted', 'This API takes other credentials.', error);
  };
  const identified = (place: Place, proof: Proof, error?: BearerError): Identity => {
    const identity = identify(proof, place.snapshot.credentials);
    if (identity !== null) return identity;
    throw refuse(place, 'credentials-invalid', 'The credentials are not valid here.', error);
  };
  const ofToken = (place: Place, claims: TokenClaims, { certificate = null }: Presented): Identity => {
    const isBound = isBoundTo(claims.payload, certificate);
    const identity = isBound ? identify(claims, place.snapshot.credentials) : null;
    if (identity !== null) return identity;
    onTokenRefused?.(claims.issuer, isBound ? (claims.unnamed ?? 'nobody') : 'bound');
    if (!isBound) throw tokenInvalid(place);
    throw refuse(place, 'credentials-invalid', 'The credentials are not valid here.', 'invalid_token');
  };
  const tokenInvalid = (place: Place) =>
    refuse(place, 'token-invalid', 'The token is not valid here.', 'invalid_token');
  // Who verifies a token knows nothing of the API: its refusals get the API's challenges.
  const challenged = (place: Place, error: unknown) => {
    if (!(error instanceof TokenRefusal)) return error;
    onTokenRefused?.(error.issuer, error.why);
    return refuse(place, error.code, error.message, 'invalid_token');
  };

  const byCertificate = (place: Place, { certificate = null }: Presented): Identity => {
    if (certificate === null) throw refuse(place, 'credentials-missing', 'Credentials are needed.');
    assertAccepted(place, 'client-certificate');
    const seconds = now() / 1000;
    // A connection may outlive its certificate, and a resumed one was not verified anew. Dates that cannot be read
    // are no dates.
    const { trusted, validFrom, validTo } = certificate;
    if (trusted && validFrom <= seconds && seconds <= validTo) return identified(place, certificate);
    throw refuse(place, 'certificate-invalid', 'The client certificate is not valid here.');
  };
  const byApiKey = (place: Place, key: string, error?: BearerError): Identity => {
    assertAccepted(place, 'api-key', error);
    // Looked up by the hash of the secret: the time taken says nothing about how much of a guess was right.
    const secret = apiKeyForm.exec(key)?.[1];
    if (secret !== undefined)
      return identified(place, { method: 'api-key', sha256: hash('sha256', secret, 'hex') }, error);
    throw refuse(place, 'credentials-invalid', 'The credentials are not valid here.', error);
  };
  const byToken = (place: Place, token: string, presented: Presented): Identity | Promise<Identity> => {
    const opaque = introspect !== null && !jwtForm.test(token);
    if (opaque && !tokenCharacters.test(token)) {
      onTokenRefused?.(null, 'form');
      throw tokenInvalid(place);
    }
    const method = opaque ? 'introspection' : 'jwt';
    if (!accepts(place.snapshot, place.api, method)) onTokenRefused?.(null, 'not-accepted');
    assertAccepted(place, method, 'invalid_token');
    const failed = (error: unknown): never => {
      throw challenged(place, error);
    };
    try {
      const claims = opaque ? introspect(token, presented.address) : verifyJwt(token);
      return whenKnown(claims, (known) => ofToken(place, known, presented), failed);
    } catch (error) {
      return failed(error);
    }
  };

  return (presented, query, snapshot, api) => {
    const place = { snapshot, api };
    const found = credentialIn(presented.rawHeaders, query);
    switch (found.kind) {
      case 'none':
        return byCertificate(place, presented);
      case 'api-key':
        return byApiKey(place, found.text);
      case 'bearer':
        return found.text.startsWith('gg_')
          ? byApiKey(place, found.text, 'invalid_token')
          : byToken(place, found.text, presented);
      case 'unreadable':
        throw refuse(place, 'credentials-missing', found.text);
      case 'ambiguous':
        throw refuse(place, 'credentials-ambiguous', found.text, 'invalid_request');
      default:
        return found.kind satisfies never;
    }
  };
}

type Found = { kind: 'none' | 'api-key' | 'bearer' | 'unreadable' | 'ambiguous'; text: string };

const none: Found = { kind: 'none', text: '' };
const ambiguous: Found = { kind: 'ambiguous', text: 'The request must carry exactly one credential.' };

/** The one credential in the headers. Two could be read differently here and further on. */
function credentialIn(rawHeaders: readonly string[], query: string): Found {
  let authorization: string | undefined;
  let key: string | undefined;
  for (let index = 0; index < rawHeaders.length; index += 2) {
    const length = rawHeaders[index]?.length;
    if (length !== 13 && length !== 9) continue;
    const name = rawHeaders[index]?.toLowerCase();
    if (name === 'authorization') {
      if (authorization !== undefined) return ambiguous;
      authorization = rawHeaders[index + 1];
    } else if (name === 'x-api-key') {
      if (key !== undefined) return ambiguous;
      key = rawHeaders[index + 1];
    }
  }
  if (authorization !== undefined && key !== undefined) return ambiguous;
  const inQuery = query !== '' && /[?&]access_token=/i.test(query);
  if (authorization === undefined && key === undefined)
    return inQuery ? { kind: 'unreadable', text: 'Credentials are needed, and not in the address.' } : none;
  if (inQuery) return ambiguous;
  if (key !== undefined) return { kind: 'api-key', text: key };
  // As nearly everybody writes it; whether the rest has the form of a token is looked at where it is not yet known.
  if (authorization?.startsWith('Bearer ') && authorization.length > 7 && !authorization.includes(' ', 7))
    return { kind: 'bearer', text: authorization.slice(7) };
  const bearer = /^bearer +([\x21-\x7e]+) *$/i.exec(authorization ?? '');
  if (bearer?.[1] === undefined) return { kind: 'unreadable', text: 'A bearer token is needed.' };
  return { kind: 'bearer', text: bearer[1] };
}

/** A token that says to whom it is bound (RFC 7800) is worth nothing in other hands; what cannot be checked fails. */
function isBoundTo({ cnf }: TokenClaims['payload'], certificate: ClientCertificate | null): boolean {
  if (cnf === undefined) return true;
  if (typeof cnf !== 'object' || cnf === null || certificate === null) return false;
  const [[member, value] = [], ...others] = Object.entries(cnf);
  return others.length === 0 && member === 'x5t#S256' && value === certificate.thumbprint;
}
