import { hash } from 'node:crypto';
import { z } from 'zod';
import { isLoopback } from '../../bundle/format/isLoopback.ts';
import type { IntrospectionConfig } from '../config/config.ts';
import { fetchJson } from '../http/fetchJson.ts';
import { networkOf } from '../http/networkOf.ts';
import { Refusal } from '../http/refusal.ts';
import { lruCache, MiB } from '../memory/lruCache.ts';
import { challenge } from './challenge.ts';
import {
  claimsBytes,
  claimsFault,
  hasGroupsElsewhere,
  type ReadClaims,
  readClaims,
  type TokenClaims,
} from './tokenClaims.ts';
import { type TokenCause, TokenRefusal, toldOf } from './tokenRefusal.ts';

/** Asks the issuer about an opaque token (RFC 7662); answers at once while the last answer holds. */
export type Introspect = (token: string, address?: string) => TokenClaims | Promise<TokenClaims>;

/** How an issuer answered, for the metrics. */
export type IntrospectionResult = 'active' | 'inactive' | 'failed';

type Options = {
  config: IntrospectionConfig;
  clientSecret: string;
  /** Milliseconds since 1970. */
  now: () => number;
  onAnswer?: (result: IntrospectionResult) => void;
  /** The issuer could not be asked. */
  onFailure?: (error: unknown) => void;
};

/** Who is not known now may be in a moment, but nobody makes us ask about one wrong token again and again. */
const inactiveMs = 10_000;
const longestToken = 8 * 1024;
const largestAnswer = 64 * 1024;
/** Of an answer; who says more about a token says it of something else. */
const mostMembers = 256;
/** An error, with where it came from. */
const refusalBytes = 1500;
/**
 * Beyond that the issuer is no quicker, and strangers with made-up tokens must not fill our memory. Nor shut out others
 * while it is slow: one network has a part of them, and tokens that were active lately have as many to themselves.
 */
const mostInFlight = { strangers: 64, ofNetwork: 8, known: 64 };

const answer = z
  .looseObject({ active: z.boolean() })
  .refine((members) => Object.keys(members).length <= mostMembers, { error: 'must have fewer members' });
// RFC 6749, 2.3.1: both parts are form-encoded before they are put together.
const formEncoded = (text: string) => new URLSearchParams([['', text]]).toString().slice(1);

const unavailable = (cause?: unknown) =>
  new Refusal(
    503,
    'issuer-unavailable',
    'The token cannot be checked at the moment.',
    { 'retry-after': '5' },
    cause,
  );

type Known = { atMs: number; untilMs: number };

/**
 * Builds the check for one introspection endpoint. It throws Refusal 401 for a token that is not active, not for us or
 * not to be believed, and 503 when the issuer cannot be asked: then nobody gets in on an answer that has run out.
 */
export function createIntrospect({ config, clientSecret, now, onAnswer, onFailure }: Options): Introspect {
  const authorization = `Basic ${Buffer.from(
    `${formEncoded(config.client_id)}:${formEncoded(clientSecret)}`,
  ).toString('base64')}`;
  // Keyed by hash: no usable credential stays in memory. Apart, so that made-up tokens push out no good one.
  const active = lruCache<Known & { claims: TokenClaims }>(64 * MiB, ({ claims }) => claims.bytes);
  const inactive = lruCache<Known & { refusal: Refusal }>(32 * MiB, () => refusalBytes);
  const inFlight = new Map<string, Promise<TokenClaims>>();
  const strangers = new Map<string, number>();
  let strangersInFlight = 0;
  /** Takes a place; the result gives it back. Null when there is none. */
  const takePlace = (wasActive: boolean, address: string): (() => void) | null => {
    if (wasActive) return inFlight.size - strangersInFlight < mostInFlight.known ? () => undefined : null;
    const from = networkOf(address);
    const before = strangers.get(from) ?? 0;
    if (strangersInFlight >= mostInFlight.strangers) return null;
    // Who comes from this machine may be everybody.
    if (before >= mostInFlight.ofNetwork && address !== '' && !isLoopback(address)) return null;
    strangers.set(from, before + 1);
    strangersInFlight += 1;
    return () => {
      strangersInFlight -= 1;
      const left = (strangers.get(from) ?? 1) - 1;
      if (left > 0) strangers.set(from, left);
      else strangers.delete(from);
    };
  };
  const invalid = (why: TokenCause) =>
    new TokenRefusal(why, config.issuer, toldOf(why), challenge(['introspection'], 'invalid_token'));
  const holds = (known: Known | undefined): boolean => {
    const nowMs = now();
    // After a clock was set back nothing is known.
    return known !== undefined && known.atMs <= nowMs && nowMs < known.untilMs;
  };

  const ask = async (token: string, id: string): Promise<TokenClaims> => {
    // The answer is as old as the question: the bound starts here.
    const atMs = now();
    let introspected: z.output<typeof answer>;
    try {
      introspected = answer.parse(
        await fetchJson(config.endpoint, {
          largest: largestAnswer,
          timeoutMs: config.timeout,
          init: {
            method: 'POST',
            headers: { authorization, 'content-type': 'application/x-www-form-urlencoded' },
            body: new URLSearchParams({ token, token_type_hint: 'access_token' }).toString(),
          },
        }),
      );
    } catch (error) {
      onAnswer?.('failed');
      onFailure?.(error);
      throw unavailable(error);
    }
    const read = believed(introspected, config, now());
    if (typeof read === 'string') {
      const refusal = invalid(read);
      onAnswer?.('inactive');
      active.delete(id);
      inactive.set(id, { atMs, untilMs: atMs + inactiveMs, refusal });
      throw refusal;
    }
    onAnswer?.('active');
    const claims = { ...read, id, bytes: claimsBytes(JSON.stringify(read.payload).length, read.groups) };
    const endsMs = claims.expiresAt === null ? Number.POSITIVE_INFINITY : claims.expiresAt * 1000;
    active.set(id, { atMs, untilMs: Math.min(atMs + config.cache, endsMs), claims });
    return claims;
  };

  return (token, address = '') => {
    if (token.length > longestToken) throw invalid('too-long');
    const id = hash('sha256', token, 'base64');
    const known = active.get(id);
    if (known !== undefined && holds(known)) return known.claims;
    const refused = inactive.get(id);
    if (refused !== undefined && holds(refused)) throw refused.refusal;
    const asked = inFlight.get(id);
    if (asked !== undefined) return asked;
    const giveBack = takePlace(known !== undefined, address);
    if (giveBack === null) throw unavailable();
    const asking = ask(token, id).finally(() => {
      inFlight.delete(id);
      giveBack();
    });
    inFlight.set(id, asking);
    return asking;
  };
}

/** An active token of our issuer, for us, at this moment; else why not. */
function believed(
  { active, ...payload }: z.output<typeof answer>,
  config: IntrospectionConfig,
  nowMs: number,
): ReadClaims | TokenCause {
  if (active !== true) return 'inactive';
  const { iss, aud, scope, token_use: use, token_type: type } = payload;
  if (iss !== undefined && iss !== config.issuer) return 'issuer';
  const audiences = [config.audience ?? []].flat();
  if (audiences.length > 0 && ![aud].flat().some((name) => audiences.includes(name as string)))
    return 'audience';
  const scopes = typeof scope === 'string' ? scope.split(' ') : [];
  if (config.scope !== undefined && !scopes.includes(config.scope)) return 'scope';
  // Issuers answer for refresh tokens too, and some say so.
  if (use !== undefined && use !== 'access_token' && use !== 'access') return 'type';
  if (type !== undefined && !/^(?:bearer|access_token)$/i.test(String(type))) return 'type';
  if (hasGroupsElsewhere(payload, config)) return 'groups';
  const claims = readClaims(payload, 'introspection', config, nowMs);
  if (claims === null) return claimsFault(payload, 'introspection', nowMs) ?? 'claims';
  if (claims.expiresAt !== null && claims.expiresAt * 1000 <= nowMs) return 'expired';
  return claims;
}
