import { sign } from 'node:crypto';
import type { IncomingMessage, ServerResponse } from 'node:http';
import { messageOf } from '../../bundle/format/messageOf.ts';
import { ConfigError, type GatewayConfig } from '../config/config.ts';
import type { Admission } from '../decision/admission.ts';
import { firstEnd } from '../decision/firstEnd.ts';
import { lruCache, MiB } from '../memory/lruCache.ts';
import {
  type AssertionKey,
  type AssertionKeys,
  makeAssertionKeys,
  readAssertionKeys,
} from './assertionKeys.ts';
import { mostLetters, truncate, truncatedLists } from './truncate.ts';

/** Where everyone finds the keys: on the listener for callers and on the one for operators. */
const keysPath = '/.well-known/jwks.json';

type Asserted = Pick<Admission, 'id' | 'identity' | 'decision' | 'route' | 'enforcement'>;

/** Says to the upstream who calls, in a form it can check by itself. */
export type Assertions = {
  /** The value of `x-grantgate-assertion`, a JWT; null when none are made, or the API wants none. */
  of(admission: Asserted): string | null;
  /** Answers `GET /.well-known/jwks.json`; false when the request is for something else. */
  answer(request: IncomingMessage, response: ServerResponse): boolean;
  /** The published keys, or null when no assertions are made. */
  jwks(): string | null;
  /** Makes the next key, or reads the key file anew. */
  rotate(): void;
  close(): void;
};

type Options = {
  config: Pick<GatewayConfig, 'assertion' | 'state'>;
  now: () => number;
  onFailure: (error: unknown) => void;
};

const none: Assertions = {
  of: () => null,
  answer: () => false,
  jwks: () => null,
  rotate: () => undefined,
  close: () => undefined,
};

/** Throws ConfigError when the configured key file cannot be used. */
export function createAssertions({ config, now, onFailure }: Options): Assertions {
  const { per, issuer, algorithm, lifetime, key, rotate, overlap } = config.assertion;
  if (per === 'none') return none;
  const keys = openKeys();
  const assertionOf = createAssertionOf({ keys, per, issuer, lifetimeMs: lifetime, now });
  const timer = setInterval(() => keys.look(), 5000);
  timer.unref();
  return {
    of: (admission) => (wants(admission) ? assertionOf(admission) : null),
    answer(request, response) {
      const { url, method } = request;
      // The bytes as sent: any other spelling is routed and decided like every path.
      if (url !== keysPath || (method !== 'GET' && method !== 'HEAD')) return false;
      response.writeHead(200, { 'content-type': 'application/json', 'cache-control': 'public, max-age=60' });
      response.end(keys.jwks());
      return true;
    },
    jwks: keys.jwks,
    rotate: keys.rotate,
    close: () => clearInterval(timer),
  };

  function openKeys(): AssertionKeys {
    try {
      if (key !== undefined) return readAssertionKeys({ file: key, onFailure });
      const file = `${config.state}/assertion-keys.json`;
      return makeAssertionKeys({ algorithm, file, rotateMs: rotate, overlapMs: overlap, now, onFailure });
    } catch (error) {
      throw new ConfigError([`"assertion.key" ${messageOf(error)}`]);
    }
  }
}

const wants = ({ enforcement, route }: Asserted): boolean =>
  enforcement.snapshot.apis.get(route.api)?.assertion === true;

type AssertionOptions = {
  keys: Pick<AssertionKeys, 'signing'>;
  per: 'caller' | 'request';
  issuer: string;
  lifetimeMs: number;
  now: () => number;
  /** From 0 to below 1. */
  random?: () => number;
};

/**
 * Signing takes about as long as everything else the gateway does for a request. So one assertion serves all requests
 * with the same caller, groups, grants and API while it is good for some time yet: for 60 to 90 % of its lifetime, drawn
 * for each, so that those made together do not end together. Its `jti` is the first one's decision.
 * `request` makes one for each, whose `jti` is its own decision.
 */
export function createAssertionOf({
  keys,
  per,
  issuer,
  lifetimeMs,
  now,
  random = Math.random,
}: AssertionOptions): (admission: Omit<Asserted, 'enforcement'>) => string {
  const made = lruCache<{ text: string; untilMs: number; key: AssertionKey }>(
    64 * MiB,
    ({ text }) => text.length,
  );
  // A clock set back must not make one last longer.
  const isFresh = ({ untilMs }: { untilMs: number }, atMs: number) =>
    atMs < untilMs && untilMs - atMs <= lifetimeMs;
  let signing: AssertionKey | null = null;
  let header = '';
  return ({ id, identity, decision, route }) => {
    const key = keys.signing();
    const atMs = now();
    const { memory } = decision;
    if (per === 'caller' && memory.assertion?.key === key && isFresh(memory.assertion, atMs))
      return memory.assertion.text;
    if (key !== signing) {
      signing = key;
      header = encode({ alg: key.alg, kid: key.kid, typ: 'JWT' });
      made.clear();
    }
    const iat = Math.floor(atMs / 1000);
    const { groups } = decision.input;
    const { grants } = decision.result;
    const end = Math.min(identity.expiresAt ?? Number.POSITIVE_INFINITY, firstEnd(decision));
    const exp = Math.min(iat + Math.floor(lifetimeMs / 1000), end);
    const jwt = () => {
      const lists = {
        groups: truncate(groups, mostLetters.groups),
        grants: truncate(grants, mostLetters.grants),
      };
      const cut = truncatedLists(lists.groups, lists.grants);
      const claims = {
        iss: issuer,
        aud: route.api,
        sub: identity.subject,
        groups: lists.groups.names,
        grants: lists.grants.names,
        ...(cut.length > 0 && { truncated: cut }),
        jti: id,
        iat,
        exp,
      };
      const text = `${header}.${encode(claims)}`;
      const signature =
        key.alg === 'EdDSA'
          ? sign(null, Buffer.from(text), key.key)
          : sign('sha256', Buffer.from(text), { key: key.key, dsaEncoding: 'ieee-p1363' });
      return `${text}.${signature.toString('base64url')}`;
    };
    if (per === 'request') return jwt();
    const caller = `${identity.subject}\n${route.api}\n${grants.join()}\n${groups.join()}\n${exp === end ? end : ''}`;
    let one = made.get(caller);
    if (one === undefined || !isFresh(one, atMs)) {
      one = { text: jwt(), untilMs: Math.min(atMs + lifetimeMs * (0.6 + 0.3 * random()), exp * 1000), key };
      made.set(caller, one);
    }
    memory.assertion = one;
    return one.text;
  };
}

const encode = (value: unknown) => Buffer.from(JSON.stringify(value)).toString('base64url');
