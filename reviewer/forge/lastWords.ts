type Review = { user: { login: string } | null; state: string };

/** Whom the forge has no account of any more; it calls them so itself. */
export const ghost = 'ghost';

/** Of reviews in the order of time the last word of each reviewer, by login: a comment takes no word back. */
export function lastWords<R extends Review>(reviews: readonly R[]): ReadonlyMap<string, R> {
  const words = new Map<string, R>();
  for (const review of reviews)
    if (review.state !== 'COMMENTED' && review.state !== 'PENDING')
      words.set(review.user?.login ?? ghost, review);
  return words;
}
