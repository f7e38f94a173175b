import { Refusal } from '../http/refusal.ts';
import type { Snapshot } from '../revision/snapshot.ts';

/**
 * Why the bundle in force must not decide at this moment. `bundle-expired`: it says itself that its time is over.
 * `policy-stale`: for too long nobody could say that it is still the newest.
 */
export type Lapsed = 'bundle-expired' | 'policy-stale';

export type Lapse = {
  /**
   * A bundle came into force, confirmed by its source that many milliseconds ago (by an earlier process, for one that
   * was kept); null when nobody knows.
   */
  took: (snapshot: Pick<Snapshot, 'validUntil'>, confirmedMsAgo: number | null) => void;
  /** A look at the source ended well: what is in force is its newest. */
  confirmed: () => void;
  /** Null when the bundle in force may decide. */
  current: () => Lapsed | null;
  /** Throws Refusal 503 when it may not. */
  assertNone: () => void;
};

type Options = {
  /** How long a bundle may decide without its source, at the moment; null: for ever. */
  maxStalenessMs: () => number | null;
  /** Milliseconds since 1970. */
  now: () => number;
  /** Milliseconds on a clock that nobody sets. */
  elapsed: () => number;
};

/**
 * Follows how long the bundle in force may still decide. How long ago its source confirmed it is measured on a clock that
 * nobody sets, so setting the machine's clock neither ends access early nor keeps it open. The end that a bundle names is
 * a date, and dates need the machine's clock; set back, it still does not run slower than the other one.
 */
export function createLapse({ maxStalenessMs, now, elapsed }: Options): Lapse {
  let endsMs = Number.POSITIVE_INFINITY;
  let took = { wallMs: 0, elapsedMs: 0 };
  let confirmedAtMs = Number.NEGATIVE_INFINITY;

  const current = (): Lapsed | null => {
    const longestMs = maxStalenessMs();
    if (endsMs === Number.POSITIVE_INFINITY && longestMs === null) return null;
    const hereMs = elapsed();
    if (
      endsMs !== Number.POSITIVE_INFINITY &&
      Math.max(now(), took.wallMs + hereMs - took.elapsedMs) >= endsMs
    )
      return 'bundle-expired';
    if (longestMs !== null && hereMs - confirmedAtMs > longestMs) return 'policy-stale';
    return null;
  };

  return {
    took({ validUntil }, confirmedMsAgo) {
      endsMs = validUntil === undefined ? Number.POSITIVE_INFINITY : Date.parse(validUntil);
      took = { wallMs: now(), elapsedMs: elapsed() };
      if (confirmedMsAgo !== null) confirmedAtMs = elapsed() - confirmedMsAgo;
    },
    confirmed() {
      confirmedAtMs = elapsed();
    },
    current,
    assertNone() {
      const lapsed = current();
      if (lapsed !== null) throw lapsedRefusal(lapsed);
    },
  };
}

/** What a caller hears: it is not its fault, and may pass. */
export function lapsedRefusal(lapsed: Lapsed): Refusal {
  const message =
    lapsed === 'bundle-expired'
      ? 'The access policy has expired, and no newer one is here.'
      : 'Nobody can say whether the access policy is still the newest.';
  return new Refusal(503, lapsed, message, { 'retry-after': '30' });
}

/** Whether a bundle says of itself that its time is over; `nowMs` since 1970. */
export function isOver({ validUntil }: { validUntil?: string }, nowMs: number): boolean {
  return validUntil !== undefined && nowMs >= Date.parse(validUntil);
}
