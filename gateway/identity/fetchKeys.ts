import type { JSONWebKeySet, JWK } from 'jose';
import { isMapping } from '../../bundle/format/isMapping.ts';
import { AnswerError } from '../http/fault.ts';
import { fetchJson } from '../http/fetchJson.ts';

const bounds = { timeoutMs: 5_000, largest: 512 * 1024 };
/** Of a set: each unknown `kid` is looked for among all of them. */
const mostKeys = 256;

type From = {
  issuer: string;
  jwksUri?: string | undefined;
  /** Is told what stood before the keys. */
  onHeaders?: (headers: Headers) => void;
};

/** The published keys of an issuer, at `jwksUri` or by OpenID Connect discovery. Throws AnswerError and what fetch throws. */
export async function fetchKeys({ issuer, jwksUri, onHeaders }: From): Promise<JSONWebKeySet> {
  const uri = jwksUri ?? (await discover(issuer));
  return published(await fetchJson(uri, onHeaders === undefined ? bounds : { ...bounds, onHeaders }));
}

const privateMembers = ['d', 'p', 'q', 'dp', 'dq', 'qi', 'oth', 'k'];

/**
 * The keys of a set, each once. Throws when there are none, or when one is not public: such a set was published by
 * mistake, and must not replace one that was not.
 */
function published(fetched: unknown): JSONWebKeySet {
  const { keys } = membersOf(fetched);
  if (!Array.isArray(keys) || keys.length === 0)
    throw new AnswerError('key-set-empty', 'the key set holds no key');
  if (keys.length > mostKeys)
    throw new AnswerError('too-large', `the key set holds more than ${mostKeys} keys`);
  const each = new Map<string, JWK>();
  for (const key of keys) {
    if (typeof key !== 'object' || key === null)
      throw new AnswerError('content', 'the key set holds what is no key');
    if (privateMembers.some((member) => Object.hasOwn(key, member)))
      throw new AnswerError('key-not-public', 'the key set holds a key that is not public');
    each.set(JSON.stringify(Object.entries(key).sort(([a], [b]) => (a < b ? -1 : 1))), key as JWK);
  }
  return { keys: [...each.values()] };
}

async function discover(issuer: string): Promise<string> {
  const document = await fetchJson(`${issuer.replace(/\/$/, '')}/.well-known/openid-configuration`, bounds);
  const { issuer: named, jwks_uri: uri } = membersOf(document);
  if (named !== issuer) throw new AnswerError('content', 'the discovery document names another issuer');
  if (typeof uri !== 'string' || !URL.canParse(uri))
    throw new AnswerError('content', 'the discovery document has no jwks_uri');
  const secure = new URL(issuer).protocol === 'https:';
  if (secure && new URL(uri).protocol !== 'https:')
    throw new AnswerError('content', 'the jwks_uri is not https');
  return uri;
}

const membersOf = (value: unknown): Readonly<Record<string, unknown>> => (isMapping(value) ? value : {});
