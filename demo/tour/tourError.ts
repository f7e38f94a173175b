/** What did not hold, in one sentence. */
export class TourError extends Error {
  override readonly name = 'TourError';
}
