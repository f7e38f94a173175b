/** The review cannot go on, or must not. */
export class ReviewError extends Error {
  readonly code:
    | 'grants-invalid'
    | 'directory-incomplete'
    | 'decisions-unreadable'
    | 'decisions-malformed'
    | 'policy-undefined'
    | 'edit-failed'
    | 'brake'
    | 'nothing-to-restore'
    | 'request-refused'
    | 'report-invalid'
    | 'source-malformed'
    | 'campaign-empty'
    | 'campaign-differs'
    | 'campaign-malformed'
    | 'campaign-unknown'
    | 'check-invalid'
    | 'check-mismatch'
    | 'checkpoint-invalid'
    | 'trends-malformed'
    | 'records-in-use'
    | 'erasure-key'
    | 'aborted';
  constructor(code: ReviewError['code'], message: string, options?: ErrorOptions) {
    super(message, options);
    this.name = 'ReviewError';
    this.code = code;
  }
}

/** Throws ReviewError `aborted` once the signal has fired. */
export function stopIfAborted(signal: AbortSignal | undefined): void {
  if (signal?.aborted) throw new ReviewError('aborted', 'the review was stopped');
}
