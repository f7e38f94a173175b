// Wraps what jose leaves open (createRemoteJWKSet has no stale-if-error, no back-off and no size cap): one fetch in
// flight, known keys survive an outage of the issuer up to a bound, unknown key ids cannot make us fetch in a loop.
import type { FlattenedJWSInput, JWSHeaderParameters } from 'jose';
import * as errors from 'jose/errors';
import { createLocalJWKSet } from 'jose/jwks/local';
import { fetchKeys } from './fetchKeys.ts';

const failureCooldownMs = 5_000;

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
  /** The same, but null already when who needs a key has to wait for newer ones. */
  current(): number | null;
  /** Fetches the keys anew, unless that was done just now; whether they have changed. */
  renew(): Promise<boolean>;
};

/** The issuer's keys cannot be had. Code `issuer-unavailable`. */
export class KeySetError extends Error {
  readonly code = 'issuer-unavailable';
  constructor(cause: unknown) {
    super('the keys of the issuer cannot be had', { cause });
    this.name = 'KeySetError';
  }
}

type Options = {
  issuer: string;
  jwksUri?: string;
  /** Milliseconds: how old keys may be, how much longer they count while they cannot be had, and how soon one may ask again. */
  max_age?: number;
  stale?: number;
  cooldown?: number;
  now: () => number;
  /** Keys came, or why none did. */
  onFetch?: (failure: unknown) => void;
};

/** Finds the keys by OpenID Connect discovery (or at `jwksUri`), on first use. */
export function createKeySet(options: Options): KeySet {
  const { issuer, jwksUri, now, onFetch } = options;
  const { max_age: maxAgeMs = 600_000, stale: staleMs = 3_600_000, cooldown: cooldownMs = 30_000 } = options;
  const refreshAtMs = maxAgeMs * 0.8;
  let set: LocalSet | null = null;
  let text = '';
  let fetchedAtMs = Number.NEGATIVE_INFINITY;
  let failedAtMs = Number.NEGATIVE_INFINITY;
  let inFlight: Promise<void> | null = null;
  let generation = 0;
  let failure: unknown = null;

  const load = async () => {
    const keys = await fetchKeys({ issuer, jwksUri });
    const fetched = JSON.stringify(keys);
    const next = createLocalJWKSet(keys);
    if (fetched !== text) {
      generation += 1;
      set = next;
      text = fetched;
    }
    fetchedAtMs = now();
  };
  const refresh = (): Promise<void> => {
    inFlight ??= load()
      .then(
        () => onFetch?.(null),
        (error: unknown) => {
          failedAtMs = now();
          failure = error;
          onFetch?.(error);
        },
      )
      .finally(() => {
        inFlight = null;
      });
    return inFlight;
  };
  // A clock that was set back must not keep old keys until it has caught up.
  const sinceMs = (atMs: number) => Math.abs(now() - atMs);
  const mayFetch = (pauseMs: number) =>
    sinceMs(fetchedAtMs) > pauseMs && sinceMs(failedAtMs) > failureCooldownMs;

  const generationWithin = (ms: number): number | null => {
    const ageMs = sinceMs(fetchedAtMs);
    if (ageMs > ms) return null;
    if (ageMs > refreshAtMs && mayFetch(0)) void refresh();
    return generation;
  };

  return {
    generation: () => generationWithin(maxAgeMs + staleMs),
    current: () => generationWithin(maxAgeMs),
    async renew() {
      if (!mayFetch(cooldownMs)) return false;
      const before = generation;
      await refresh();
      return generation !== before;
    },
    async key(header, token) {
      const ageMs = sinceMs(fetchedAtMs);
      if (ageMs > maxAgeMs && mayFetch(0)) await refresh();
      else if (ageMs > refreshAtMs && mayFetch(0)) void refresh();
      if (set === null || sinceMs(fetchedAtMs) > maxAgeMs + staleMs) throw new KeySetError(failure);
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
