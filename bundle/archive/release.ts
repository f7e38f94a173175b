/**
 * An older commit that was released on purpose: it takes the place right after the release number `from`, and `nth`
 * tells it from others that did. Later than all of them is whatever comes after `from`.
 */
export type Rollback = { from: number; nth: number };

/** Where a bundle stands among the releases of its repository. */
export type Release = {
  /** First-parent commits up to its revision. */
  counter: number;
  rollback?: Rollback;
};

/** What a signer may say of a bundle besides its contents; most bundles say nothing of it. */
export type ReleaseTerms = {
  rollback?: Rollback;
  /** RFC 3339: from then on nobody may decide by it. */
  validUntil?: string;
};

/** The terms alone, and of them those that are there. */
export function termsOf({ rollback, validUntil }: ReleaseTerms): ReleaseTerms {
  return { ...(rollback && { rollback }), ...(validUntil && { validUntil }) };
}

/**
 * Below 0 when `a` was released before `b`. A way back counts as the place it was taken from and not as the commit it
 * leads to. So the release it undid, and everything older, stays refused; and once something newer is in force the way
 * back itself is old, and cannot be played again.
 */
export function compareReleases(a: Release, b: Release): number {
  const [from, other] = [placeOf(a), placeOf(b)];
  // Two ways back from one place under one number: then the commits they lead to decide, as they do without any.
  return from.from - other.from || from.nth - other.nth || a.counter - b.counter;
}

/**
 * Whether a bundle must not come after the one in force: it is of an older release, or of the same one with an end that
 * is earlier or missing. Else whoever has kept it could play it again, to be rid of a later end.
 */
export function isOlder(next: Release & ReleaseTerms, inForce: Release & ReleaseTerms): boolean {
  return (compareReleases(next, inForce) || endMsOf(next) - endMsOf(inForce)) < 0;
}

/** Signing an end where there was none is news; leaving it out again is not. */
function endMsOf({ validUntil }: ReleaseTerms): number {
  return validUntil === undefined ? 0 : Date.parse(validUntil);
}

function placeOf({ counter, rollback }: Release): Rollback {
  return rollback ?? { from: counter, nth: 0 };
}

/** `7`, or `7.1` for the first way back from release 7. */
export function formatRelease(release: Release): string {
  const { from, nth } = placeOf(release);
  return nth === 0 ? String(from) : `${from}.${nth}`;
}

/** The way back from a release as {@link formatRelease} writes it; null when the text is none. */
export function rollbackFrom(text: string): Rollback | null {
  const [, from = '', nth = '0'] = /^([1-9]\d{0,14})(?:\.([1-9]\d{0,5}))?$/.exec(text) ?? [];
  return from === '' ? null : { from: Number(from), nth: Number(nth) + 1 };
}
