// Wraps what jose leaves open (createRemoteJWKSet has no stale-if-error, no back-off and no size cap): one fetch in
// flight, known keys survive an outage of the issuer up to a bound, unknown key ids cannot make us fetch in a loop.
import {
  createLocalJWKSet,
  errors,
  type FlattenedJWSInput,
  type JSONWebKeySet,
  type JWSHeaderParameters,
} from 'jose';
import { fetchJson } from '../http/fetchJson.ts';

const maxAgeMs = 10 * 60_000;
const refreshAtMs = 8 * 60_000;
const staleMs = 60 * 60_000;
const cooldownMs = 30_000;
const failureCooldownMs = 5_000;
const bounds = { timeout: 5_000, largest: 512 * 1024 };

type LocalSet = ReturnType<typeof createLocalJWKSet>;
type Key = Awaited<ReturnType<LocalSet>>;

/** The published keys of one issuer. */
export type KeySet = {
  /** The key for a token's header. Throws KeySetError when none can be had, jose's JWKSNoMatchingKey when none fits. */
  key(header: JWSHeaderParameters, token: FlattenedJWSInput): Promise<Key>;
  /**
   * Grows whenever the published keys change: what was verified under an older generation must be verified again. Null
   * when the keys are too old to rely on. Asking keeps them fresh, for callers may go on with tokens known long since.
   */
  generation(): number | null;
};

/** The issuer's keys cannot be had. Code `issuer-unavailable`. */
export class KeySetError extends Error {
  readonly code = 'issuer-unavailable';
  constructor(cause: unknown) {
    super('the keys of the issuer cannot be had', { cause });
    this.name = 'KeySetError';
  }
}

type Options = { issuer: string; jwksUri?: string; now: () => number; onFetch?: (ok: boolean) => void };

/** Finds the keys by OpenID Connect discovery (or at `jwksUri`), on first use. `now` in ms. */
export function createKeySet({ issuer, jwksUri, now, onFetch }: Options): KeySet {
  let set: LocalSet | null = null;
  let published = '';
  let fetchedAt = Number.NEGATIVE_INFINITY;
  let failedAt = Number.NEGATIVE_INFINITY;
  let inFlight: Promise<void> | null = null;
  let generation = 0;
  let failure: unknown = null;

  const load = async () => {
    const uri = jwksUri ?? (await discover(issuer));
    const keys = (await fetchJson(uri, bounds)) as JSONWebKeySet;
    const text = JSON.stringify(keys);
    const next = createLocalJWKSet(keys);
    if (text !== published) {
      generation += 1;
      set = next;
      published = text;
    }
    fetchedAt = now();
  };
  const refresh = (): Promise<void> => {
    inFlight ??= load()
      .then(
        () => onFetch?.(true),
        (error: unknown) => {
          failedAt = now();
          failure = error;
          onFetch?.(false);
        },
      )
      .finally(() => {
        inFlight = null;
      });
    return inFlight;
  };
  // A clock that was set back must not keep old keys until it has caught up.
  const since = (at: number) => Math.abs(now() - at);
  const mayFetch = (pause: number) => since(fetchedAt) > pause && since(failedAt) > failureCooldownMs;

  return {
    generation() {
      const age = since(fetchedAt);
      if (age > maxAgeMs + staleMs) return null;
      if (age > refreshAtMs && mayFetch(0)) void refresh();
      return generation;
    },
    async key(header, token) {
      const age = since(fetchedAt);
      if (age > maxAgeMs && mayFetch(0)) await refresh();
      else if (age > refreshAtMs && mayFetch(0)) void refresh();
      if (set === null || since(fetchedAt) > maxAgeMs + staleMs) throw new KeySetError(failure);
      try {
        return await set(header, token);
      } catch (error) {
        if (!(error instanceof errors.JWKSNoMatchingKey) || !mayFetch(cooldownMs)) throw error;
        await refresh();
        return await set(header, token);
      }
    },
  };
}

async function discover(issuer: string): Promise<string> {
  const document = await fetchJson(`${issuer.replace(/\/$/, '')}/.well-known/openid-configuration`, bounds);
  const { issuer: named, jwks_uri: uri } = document as { issuer?: unknown; jwks_uri?: unknown };
  if (named !== issuer) throw new Error('the discovery document names another issuer');
  if (typeof uri !== 'string' || !URL.canParse(uri))
    throw new Error('the discovery document has no jwks_uri');
  const secure = new URL(issuer).protocol === 'https:';
  if (secure && new URL(uri).protocol !== 'https:') throw new Error('the jwks_uri is not https');
  return uri;
}
